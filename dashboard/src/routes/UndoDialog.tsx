import { useState } from "react";
import { api } from "../api/client";
import type { BuiltOn, RunStatus } from "../api/types";
import { Choice } from "../components/Choice";
import { ConfirmDialog, type Consequence } from "../components/ConfirmDialog";
import { counted } from "../format/number";
import { shortId } from "../words/identifiers";
import { refusalOf, useFollowUp } from "./controls";

const CHOICES: readonly { builtOn: BuiltOn; word: string; remark: string }[] = [
  { builtOn: "refuse", word: "Stop and change nothing", remark: "The undo looks first. It says what is in its way, and the target stays as it is." },
  { builtOn: "keep", word: "Leave those rows", remark: "They stay as they are now; all others are undone. The balance counts them as unchanged." },
  {
    builtOn: "discard",
    word: "Undo changed rows all the same",
    remark: "What was written to them since is lost. Rows that others refer to stay even so.",
  },
];

interface UndoDialogProps {
  runId: string;
  status: RunStatus;
  open: boolean;
  onClose: () => void;
}

/** What a run wrote, by what an undo does with it. */
export function writtenBy({ mappings }: Pick<RunStatus, "mappings">): { inserted: number; updated: number; deleted: number } {
  const own = mappings.filter(({ pass }) => pass === 1 || pass === 3);
  const sum = (outcome: "loaded" | "updated" | "deleted"): number => own.reduce((total, { counts }) => total + counts[outcome], 0);
  return { inserted: sum("loaded"), updated: sum("updated"), deleted: sum("deleted") };
}

/** Asks before a run is undone: what goes, what comes back, what stays, and what to do where others built on its rows. */
export function UndoDialog({ runId, status, open, onClose }: UndoDialogProps) {
  const [builtOn, setBuiltOn] = useState<BuiltOn>("refuse");
  const undo = useFollowUp((chosen: BuiltOn) => api.undoRun(runId, chosen));
  const { inserted, updated, deleted } = writtenBy(status);
  const close = (): void => {
    undo.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      open={open}
      title={`Undo run ${shortId(runId)}?`}
      consequences={consequencesOf({ inserted, updated, deleted, quarantined: status.counts.quarantined })}
      action={`Undo ${counted(inserted + updated + deleted, "row")}`}
      keep="Keep them"
      busy={undo.isPending}
      refusal={undo.error ? refusalOf(undo.error) : undefined}
      onConfirm={() => undo.mutate(builtOn)}
      onClose={close}
    >
      <fieldset className="stack tight">
        <legend className="label mb-2">Where somebody changed a row since, or refers to it</legend>
        {CHOICES.map((choice) => (
          <Choice
            key={choice.builtOn}
            kind="radio"
            name="built-on"
            word={choice.word}
            remark={choice.remark}
            checked={builtOn === choice.builtOn}
            onChange={() => setBuiltOn(choice.builtOn)}
          />
        ))}
      </fieldset>
    </ConfirmDialog>
  );
}

interface Written {
  inserted: number;
  updated: number;
  deleted: number;
  quarantined: number;
}

function consequencesOf({ inserted, updated, deleted, quarantined }: Written): readonly Consequence[] {
  const written: readonly (Consequence | false)[] = [
    inserted > 0 && { icon: "x", text: `${counted(inserted, "row")} that it inserted ${inserted === 1 ? "is" : "are"} removed.` },
    updated > 0 && { icon: "undo", text: `${counted(updated, "row")} that it updated ${updated === 1 ? "gets its" : "get their"} former values back.` },
    deleted > 0 && { icon: "undo", text: `${counted(deleted, "row")} that it removed ${deleted === 1 ? "comes" : "come"} back.` },
    { icon: "check", text: "Rows of other runs stay exactly as they are." },
    quarantined > 0 && { icon: "quarantine", text: `${counted(quarantined, "row")} in quarantine ${quarantined === 1 ? "stays" : "stay"} in the ledger.` },
  ];
  return written.filter((one) => one !== false);
}
