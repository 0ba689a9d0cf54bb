import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import type { DiscardForm, QuarantineGroup, QuarantineRow, RowChoice } from "../api/types";
import { Choice } from "../components/Choice";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { isReason, ReasonField } from "../components/ReasonField";
import { useToasts } from "../components/Toast";
import { counted } from "../format/number";
import { refusalOf } from "./controls";

interface DiscardDialogProps {
  runId: string;
  row: QuarantineRow;
  group: QuarantineGroup | null;
  open: boolean;
  onClose: () => void;
}

/** Asks before refused rows are left out for good: this one, or all of its kind, with a reason for the audit. */
export function DiscardDialog({ runId, row, group, open, onClose }: DiscardDialogProps) {
  const client = useQueryClient();
  const tell = useToasts((state) => state.tell);
  const [all, setAll] = useState(false);
  const [reason, setReason] = useState("");
  const count = all && group ? group.waiting : 1;
  const discard = useMutation({
    mutationFn: (form: DiscardForm) => api.discardRows(runId, form),
    onSuccess: ({ count: rows }) => {
      tell({ tone: "completed", text: `${counted(rows, "row")} left out. The audit has the reason.` });
      void client.invalidateQueries({ queryKey: ["run", runId] });
      close();
    },
  });
  const close = (): void => {
    discard.reset();
    setReason("");
    setAll(false);
    onClose();
  };
  return (
    <ConfirmDialog
      open={open}
      title={`Leave out ${counted(count, "row")}?`}
      consequences={[
        { icon: "quarantine", text: "The target never gets them. They stay in the balance as quarantined." },
        { icon: "lock", text: "The sealed rows stay in the ledger." },
        { icon: "audit", text: "Your name, the reason and the time go into the audit log." },
      ]}
      action={`Leave out ${counted(count, "row")}`}
      keep="Keep waiting"
      busy={discard.isPending}
      disabled={!isReason(reason)}
      refusal={discard.error ? refusalOf(discard.error) : undefined}
      onConfirm={() => discard.mutate(formOf(row, all ? group : null, reason.trim()))}
      onClose={close}
    >
      {group && group.waiting > 1 && (
        <fieldset className="stack tight">
          <legend className="label mb-2">Which</legend>
          <Choice kind="radio" name="discard" word="This row alone" checked={!all} onChange={() => setAll(false)} />
          <Choice kind="radio" name="discard" word={`All ${counted(group.waiting, "row")} of this kind`} checked={all} onChange={() => setAll(true)} />
        </fieldset>
      )}
      <ReasonField value={reason} onChange={setReason} />
    </ConfirmDialog>
  );
}

function formOf(row: QuarantineRow, group: QuarantineGroup | null, reason: string): DiscardForm {
  return { choice: group ? kindOf(group) : { rows: [row.ref] }, reason };
}

/** The rows of a group, as a choice of rows. */
export function kindOf({ reason, mapping, column }: QuarantineGroup): RowChoice {
  return { ...(reason ? { reason } : {}), ...(mapping ? { mapping } : {}), ...(column ? { column } : {}) };
}
