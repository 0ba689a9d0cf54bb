import { AlertDialog } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./Button";
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
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before what cannot be undone lightly, and says what will happen. The focus starts on leaving things as they are. */
export function ConfirmDialog({ open, title, consequences, action, keep, busy = false, onConfirm, onClose }: ConfirmDialogProps) {
  const focus = useFocusReturn();
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="scrim" />
        <AlertDialog.Content className="dialog" {...focus}>
          <AlertDialog.Title>{title}</AlertDialog.Title>
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
          <div className="row justify-end">
            <AlertDialog.Cancel asChild>
              <Button>{keep}</Button>
            </AlertDialog.Cancel>
            <Button look="danger solid" busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
