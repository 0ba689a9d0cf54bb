import { useState } from "react";
import { api } from "../api/client";
import type { RepairForm, Verification } from "../api/types";
import { Choice } from "../components/Choice";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { counted } from "../format/number";
import { refusalOf, useFollowUp } from "./controls";

interface RepairDialogProps {
  runId: string;
  found: Verification;
  open: boolean;
  onClose: () => void;
}

/** Asks before rows that differ or miss are written anew. */
export function RepairDialog({ runId, found, open, onClose }: RepairDialogProps) {
  const [withChanged, setWithChanged] = useState(false);
  const repair = useFollowUp((form: RepairForm) => api.repairRun(runId, form));
  const changed = found.mappings.reduce((sum, mapping) => sum + mapping.changedSince, 0);
  const others = found.differences - found.repairable;
  const close = (): void => {
    repair.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      open={open}
      title={`Repair ${counted(found.repairable, "row")}?`}
      consequences={[
        { icon: "db", text: "Exactly these rows are read again from the source, by their keys." },
        { icon: "check", text: "Missing rows are inserted, different ones updated. Their former values stay sealed for an undo." },
        ...(others > 0 ? [{ icon: "info" as const, text: `${counted(others, "row")} that should not be there ${others === 1 ? "stays" : "stay"}: that is for a person.` }] : []),
      ]}
      action={`Repair ${counted(found.repairable, "row")}`}
      keep="Leave them"
      look="primary"
      busy={repair.isPending}
      refusal={repair.error ? refusalOf(repair.error) : undefined}
      onConfirm={() => repair.mutate({ withChanged })}
      onClose={close}
    >
      {changed > 0 && (
        <Choice
          word={`Also the ${counted(changed, "row")} that changed in the source since`}
          remark="They get the values that the source has now."
          checked={withChanged}
          onChange={setWithChanged}
        />
      )}
    </ConfirmDialog>
  );
}
