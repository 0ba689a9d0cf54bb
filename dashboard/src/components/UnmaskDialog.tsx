import { Dialog } from "radix-ui";
import { useState, type SubmitEvent } from "react";
import { counted } from "../format/number";
import { Button } from "./Button";
import { isReason, ReasonField } from "./ReasonField";
import { useFocusReturn } from "./useFocusReturn";

interface UnmaskDialogProps {
  open: boolean;
  columns: number;
  seconds: number;
  busy?: boolean;
  refusal?: string | undefined;
  onUnmask: (reason: string) => void;
  onClose: () => void;
}

/** Asks for the reason before values are shown. */
export function UnmaskDialog({ open, onClose, ...rest }: UnmaskDialogProps) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" {...focus}>
          <Reason {...rest} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Reason({ columns, seconds, busy = false, refusal, onUnmask }: Omit<UnmaskDialogProps, "open" | "onClose">) {
  const [reason, setReason] = useState("");
  const enough = isReason(reason);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (enough) onUnmask(reason.trim());
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Dialog.Title>Show one row’s values?</Dialog.Title>
      <Dialog.Description className="soft">
        {counted(columns, "hidden value")} of one row, for {seconds} seconds. Your name, the reason and the time go into the audit log.
      </Dialog.Description>
      <ReasonField value={reason} onChange={setReason} />
      {refusal && (
        <p role="alert" className="failed c-ink">
          {refusal}
        </p>
      )}
      <div className="row justify-end">
        <Dialog.Close asChild>
          <Button>Keep masked</Button>
        </Dialog.Close>
        <Button look="primary" type="submit" icon="eye" disabled={!enough} busy={busy}>
          Show for {seconds} s
        </Button>
      </div>
    </form>
  );
}
