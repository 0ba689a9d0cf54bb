import { Button } from "../components/Button";
import { Select } from "../components/Select";
import { useAddress } from "../shell/useAddress";
import { MOST_BATCH_ROWS, optionsOf, PRIORITIES } from "./newRun";

const CHOICES = PRIORITIES.map((priority) => ({ value: priority, word: priority.toLowerCase() }));

/** Dry run or real, how urgent, how large. The dry run is chosen first. */
export function OptionsStep({ onBack, onNext }: { onBack: () => void; onNext: () => void }) {
  const address = useAddress();
  const options = optionsOf(address.get);
  return (
    <>
      <section className="card pad stack" aria-label="Options">
        <fieldset className="stack tight">
          <legend className="label mb-2">What</legend>
          <Kind
            word="Dry run"
            remark="Everything but writing: rows go into tables of their own, dropped at the end."
            checked={options.validateOnly}
            onChoose={() => address.set({ real: false, skip: false })}
          />
          <Kind
            word="Real run"
            remark="Rows are written to the target. A dry run before it shows what would be refused."
            checked={!options.validateOnly}
            onChoose={() => address.set({ real: true })}
          />
        </fieldset>
        <div className="row wrap">
          <Select
            label="Priority"
            value={options.priority}
            choices={CHOICES}
            onChange={(priority) => address.set({ priority: priority === "NORMAL" ? "" : priority })}
          />
        </div>
        <div className="field max-w-64">
          <label htmlFor="batch-rows">Rows in a batch, at most</label>
          <input
            className="input small"
            id="batch-rows"
            type="number"
            min={1}
            max={MOST_BATCH_ROWS}
            placeholder={String(MOST_BATCH_ROWS)}
            defaultValue={options.batchSize}
            aria-describedby="batch-hint"
            onChange={(event) => address.set({ batch: event.target.value })}
          />
          <span className="hint" id="batch-hint">
            1 to 50,000. Batches are cut by size; this only caps them.
          </span>
        </div>
        {!options.validateOnly && (
          <label className="choice" htmlFor="skip-rules">
            <input
              id="skip-rules"
              type="checkbox"
              checked={options.skipValidation}
              onChange={(event) => address.set({ skip: event.target.checked })}
            />
            <span>Leave out the rules of the plan</span>
            <small>Becomes a warning of the run. Preflight, constraints and balance always hold.</small>
          </label>
        )}
      </section>
      <div className="foot-bar">
        <Button onClick={onBack}>Back</Button>
        <span className="grow" />
        <Button look="primary" onClick={onNext}>
          Confirm
        </Button>
      </div>
    </>
  );
}

function Kind({ word, remark, checked, onChoose }: { word: string; remark: string; checked: boolean; onChoose: () => void }) {
  const id = `kind-${word.split(" ")[0]?.toLowerCase() ?? ""}`;
  return (
    <label className="choice" htmlFor={id}>
      <input id={id} type="radio" name="kind" checked={checked} onChange={onChoose} />
      <span className="medium">{word}</span>
      <small>{remark}</small>
    </label>
  );
}
