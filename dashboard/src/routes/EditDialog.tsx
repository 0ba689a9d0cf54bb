import { useMutation } from "@tanstack/react-query";
import { Dialog } from "radix-ui";
import { useState, type SubmitEvent } from "react";
import { api } from "../api/client";
import type { EditForm, QuarantineRow } from "../api/types";
import { Button } from "../components/Button";
import { Choice } from "../components/Choice";
import { isReason, ReasonField } from "../components/ReasonField";
import { useFocusReturn } from "../components/useFocusReturn";
import { refusalOf } from "./controls";

interface EditDialogProps {
  runId: string;
  row: QuarantineRow;
  open: boolean;
  onEdited: () => void;
  onClose: () => void;
}

/** Asks for another value of one column of a refused row. The value that is there is not shown. */
export function EditDialog({ open, onClose, ...rest }: EditDialogProps) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" {...focus}>
          <Edit {...rest} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** What is typed lives here and nowhere else: with the dialog it goes. */
function Edit({ runId, row, onEdited }: Pick<EditDialogProps, "runId" | "row" | "onEdited">) {
  const wrong = row.reasons.map((reason) => reason.column);
  const columns = row.columns.map(({ name }) => name);
  const [column, setColumn] = useState(() => columns.find((name) => wrong.includes(name) || wrong.includes(name.replace(/^.*\./, ""))) ?? columns[0] ?? "");
  const [value, setValue] = useState("");
  const [nothing, setNothing] = useState(false);
  const [reason, setReason] = useState("");
  const edit = useMutation({ mutationFn: (form: EditForm) => api.editRow(runId, row.ref, form), onSuccess: onEdited, gcTime: 0 });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isReason(reason)) edit.mutate({ column, value: nothing ? null : value, reason: reason.trim() });
  };
  return (
    <form className="stack" onSubmit={submit} autoComplete="off">
      <Dialog.Title>Replay this row with another value?</Dialog.Title>
      <Dialog.Description className="soft">
        The source stays as it is. The next replay of this row reads the new value instead. Both values are sealed in the ledger, with your
        name; the audit log has the reason and neither value.
      </Dialog.Description>
      <div className="field">
        <label htmlFor="edit-column">Column</label>
        <select className="input mono" id="edit-column" value={column} onChange={(event) => setColumn(event.target.value)}>
          {columns.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor="edit-value">New value</label>
        <input
          className="input"
          id="edit-value"
          autoComplete="off"
          spellCheck={false}
          disabled={nothing}
          value={nothing ? "" : value}
          onChange={(event) => setValue(event.target.value)}
        />
      </div>
      <Choice word="No value (NULL)" checked={nothing} onChange={setNothing} />
      <ReasonField value={reason} onChange={setReason} />
      {edit.error && (
        <p role="alert" className="failed c-ink">
          {refusalOf(edit.error)}
        </p>
      )}
      <div className="row justify-end">
        <Dialog.Close asChild>
          <Button>Leave it as it is</Button>
        </Dialog.Close>
        <Button look="primary" type="submit" icon="replay" disabled={!isReason(reason) || column === ""} busy={edit.isPending}>
          Keep and replay 1 row
        </Button>
      </div>
    </form>
  );
}
