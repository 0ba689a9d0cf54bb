import { AlertDialog } from "radix-ui";
import type { ReactNode } from "react";
import { Button, type Look } from "./Button";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";
import { useFocusReturn } from "./useFocusReturn";

export interface Consequence {
  icon: IconName;
  text: ReactNode;
}

interface ConfirmDialogProps {
  open: boolean;
  title: string;
  consequences: readonly Consequence[];
  /** The verb: "Cancel run". */
  action: string;
  /** How to leave things as they are: "Keep running". */
  keep: string;
  /** What destroys nothing need not look dangerous. */
  look?: Extract<Look, "primary" | "danger solid">;
  busy?: boolean;
  /** Something is still to be chosen or written. */
  disabled?: boolean;
  /** Why the last try was refused. */
  refusal?: string | undefined;
  /** What is to be chosen. */
  children?: ReactNode;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before what cannot be undone lightly, and says what will happen. The focus starts on leaving things as they are. */
export function ConfirmDialog({ open, title, onClose, ...rest }: ConfirmDialogProps) {
  const focus = useFocusReturn();
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="scrim" />
        <AlertDialog.Content className="dialog" {...focus}>
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <Question {...rest} />
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

type QuestionProps = Omit<ConfirmDialogProps, "open" | "title" | "onClose">;

function Question({ consequences, action, keep, look = "danger solid", busy = false, disabled = false, refusal, children, onConfirm }: QuestionProps) {
  return (
    <>
      <AlertDialog.Description asChild>
        <ul>
          {consequences.map((consequence, position) => (
            <li key={position}>
              <Icon name={consequence.icon} small />
              <span>{consequence.text}</span>
            </li>
          ))}
        </ul>
      </AlertDialog.Description>
      {children}
      {refusal !== undefined && refusal !== "" && (
        <p role="alert" className="failed c-ink">
          {refusal}
        </p>
      )}
      <div className="row justify-end">
        <AlertDialog.Cancel asChild>
          <Button>{keep}</Button>
        </AlertDialog.Cancel>
        <Button look={look} busy={busy} disabled={disabled} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </>
  );
}
