import { useState } from "react";
import { api } from "../api/client";
import { Choice } from "../components/Choice";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { shortId } from "../words/identifiers";
import { refusalOf, useFollowUp } from "./controls";
import { sampleOf } from "./sample";

interface VerifyDialogProps {
  runId: string;
  open: boolean;
  onClose: () => void;
}

/** Asks how much of a run is verified. Nothing is written either way. */
export function VerifyDialog({ runId, open, onClose }: VerifyDialogProps) {
  const [sampled, setSampled] = useState(false);
  const [percent, setPercent] = useState("1");
  const sample = sampleOf(percent);
  const verify = useFollowUp((asked: { sample?: number }) => api.verifyRun(runId, asked));
  const close = (): void => {
    verify.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      open={open}
      title={`Verify run ${shortId(runId)}?`}
      consequences={[
        { icon: "db", text: "The source is read again and its rows computed again by the same plan." },
        { icon: "scale", text: "They are compared with the target, column by column." },
        { icon: "check", text: "Nothing is written. Rows that the source changed since are told apart." },
      ]}
      action={sampled && sample !== null ? `Verify ${percent.trim()} % of the rows` : "Verify all rows"}
      keep="Not now"
      look="primary"
      busy={verify.isPending}
      disabled={sampled && sample === null}
      refusal={verify.error ? refusalOf(verify.error) : undefined}
      onConfirm={() => verify.mutate(sampled && sample !== null ? { sample } : {})}
      onClose={close}
    >
      <fieldset className="stack tight">
        <legend className="label mb-2">How much</legend>
        <Choice kind="radio" name="sample" word="All rows" remark="It takes a share of the time that the run took." checked={!sampled} onChange={() => setSampled(false)} />
        <Choice
          kind="radio"
          name="sample"
          word="A sample"
          remark="Some ranges of every mapping. What is outside of them counts as not checked, never as equal."
          checked={sampled}
          onChange={() => setSampled(true)}
        />
      </fieldset>
      {sampled && (
        <div className="field max-w-48">
          <label htmlFor="sample-share">Share in percent</label>
          <input
            className="input small"
            id="sample-share"
            inputMode="decimal"
            autoComplete="off"
            value={percent}
            aria-invalid={sample === null}
            aria-describedby="sample-hint"
            onChange={(event) => setPercent(event.target.value)}
          />
          <span className="hint" id="sample-hint">
            More than 0, less than 100.
          </span>
        </div>
      )}
    </ConfirmDialog>
  );
}
