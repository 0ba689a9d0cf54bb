import { useState } from "react";
import { counted } from "../format/number";
import { Button } from "./Button";
import { Choice } from "./Choice";

/** What can be done about a refused row. */
export type ReplayVerb = "kind" | "row" | "edit" | "discard";

interface ReplayChoiceProps {
  /** Rows of the same kind that wait. */
  waiting: number;
  /** The plan that they are replayed with: "clinic". */
  plan: string;
  mayEdit: boolean;
  busy?: boolean;
  refusal?: string | undefined;
  onChoose: (verb: ReplayVerb) => void;
}

/** What becomes of a refused row: one of few things, each with what it does. The button says what will happen, and to how many. */
export function ReplayChoice({ waiting, plan, mayEdit, busy = false, refusal, onChoose }: ReplayChoiceProps) {
  const [verb, setVerb] = useState<ReplayVerb>(waiting > 1 ? "kind" : "row");
  const choices: readonly { verb: ReplayVerb; word: string; remark: string; action: string }[] = [
    ...(waiting > 1
      ? [{ verb: "kind" as const, word: `All ${counted(waiting, "row")} of this kind`, remark: withPlan(plan), action: `Replay ${counted(waiting, "row")}` }]
      : []),
    { verb: "row", word: "This row alone", remark: withPlan(plan), action: "Replay 1 row" },
    ...(mayEdit
      ? [{ verb: "edit" as const, word: "This row, with an edited value", remark: "Old and new value are kept, with your name.", action: "Edit a value…" }]
      : []),
    { verb: "discard", word: "Leave it out, with a note", remark: "It stays in the balance as quarantined.", action: "Leave out…" },
  ];
  const chosen = choices.find((choice) => choice.verb === verb) ?? choices[0];
  return (
    <>
      <fieldset className="stack tight">
        <legend className="sr">What becomes of it</legend>
        {choices.map((choice) => (
          <Choice
            key={choice.verb}
            kind="radio"
            name="replay"
            word={choice.word}
            remark={choice.remark}
            checked={choice === chosen}
            onChange={() => setVerb(choice.verb)}
          />
        ))}
      </fieldset>
      {refusal && (
        <p role="alert" className="sm failed c-ink">
          {refusal}
        </p>
      )}
      <Button look="primary" busy={busy} onClick={() => chosen && onChoose(chosen.verb)}>
        {chosen?.action}
      </Button>
    </>
  );
}

function withPlan(plan: string): string {
  return `Read again from the source, with the newest version of ${plan}.`;
}
