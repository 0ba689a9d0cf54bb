import { Button } from "../components/Button";
import { Choice } from "../components/Choice";
import { Select } from "../components/Select";
import type { Migration } from "../api/types";
import { useAddress } from "../shell/useAddress";
import { ChooseMappings } from "./ChooseMappings";
import { askedFor, chosenOf, isMerge, kindOf, MOST_BATCH_ROWS, optionsOf, PRIORITIES, type Kind } from "./newRun";

const CHOICES = PRIORITIES.map((priority) => ({ value: priority, word: priority.toLowerCase() }));
const KINDS: readonly { kind: Kind; word: string; remark: string }[] = [
  { kind: "dry", word: "Dry run", remark: "Everything but writing: rows go into tables of their own, dropped at the end." },
  { kind: "real", word: "Real run", remark: "Rows are written to the target. A dry run before it shows what would be refused." },
  {
    kind: "differential",
    word: "Differential run",
    remark: "The same plan again: new rows are inserted, rows that differ updated, equal ones left as they are.",
  },
];

interface OptionsStepProps {
  migration: Migration;
  onBack: () => void;
  onNext: () => void;
}

/** What kind of run, of which mappings, how urgent, how large. The dry run is chosen first. */
export function OptionsStep({ migration, onBack, onNext }: OptionsStepProps) {
  const address = useAddress();
  const kind = kindOf(address.get);
  const nothing = chosenOf(address.get)?.length === 0;
  return (
    <>
      <section className="card pad stack" aria-label="Options">
        <fieldset className="stack tight">
          <legend className="label mb-2">What</legend>
          {KINDS.map(({ kind: one, word, remark }) => (
            <Choice key={one} kind="radio" name="kind" word={word} remark={remark} checked={kind === one} onChange={() => address.set(askedFor(one))} />
          ))}
        </fieldset>
        {kind === "dry" ? <DryOptions /> : <RealOptions />}
        <ChooseMappings migration={migration} />
        <Pace />
      </section>
      <div className="foot-bar">
        <Button onClick={onBack}>Back</Button>
        <span className="grow" />
        <span className="xs muted" id="options-why">
          {nothing ? "Choose at least one mapping." : ""}
        </span>
        <Button look="primary" disabled={nothing} aria-describedby="options-why" onClick={onNext}>
          Confirm
        </Button>
      </div>
    </>
  );
}

/** What a dry run tries. */
function DryOptions() {
  const address = useAddress();
  return (
    <fieldset className="stack tight">
      <legend className="label mb-2">Besides</legend>
      <Choice
        word="Try a differential run"
        remark="For a target that holds the rows of a run before: what would be inserted, updated and left as it is."
        checked={isMerge(address.get)}
        onChange={(checked) => address.set({ mode: checked ? "merge" : "" })}
      />
    </fieldset>
  );
}

/** What only a run that writes can be told. */
function RealOptions() {
  const address = useAddress();
  const options = optionsOf(address.get);
  return (
    <fieldset className="stack tight">
      <legend className="label mb-2">Besides</legend>
      <Choice
        word="Verify afterwards"
        remark="Every row is read again from the same snapshot, computed again, and compared with the target."
        checked={options.verify === true}
        onChange={(checked) => address.set({ verify: checked, ...(checked ? { skip: false } : {}) })}
      />
      {kindOf(address.get) === "real" && (
        <Choice
          word="Suspend constraints while rows move"
          remark="Foreign keys and secondary indexes of the mapped tables are dropped, and rebuilt and proven before the run ends."
          checked={options.suspendConstraints === true}
          onChange={(checked) => address.set({ suspend: checked })}
        />
      )}
      <Choice
        word="Leave out the rules of the plan"
        remark="Becomes a warning of the run, and leaves out the verify too. Preflight, constraints and balance always hold."
        checked={options.skipValidation}
        onChange={(checked) => address.set({ skip: checked, ...(checked ? { verify: false } : {}) })}
      />
    </fieldset>
  );
}

/** How urgent, and how much at once. */
function Pace() {
  const address = useAddress();
  const options = optionsOf(address.get);
  return (
    <>
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
    </>
  );
}
