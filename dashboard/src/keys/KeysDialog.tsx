import { Dialog } from "radix-ui";
import { Button } from "../components/Button";
import { useFocusReturn } from "../components/useFocusReturn";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Find"],
  ["G M", "Migrations"],
  ["G P", "Plans"],
  ["G A", "Audit"],
  ["G S", "System"],
  ["F", "Filter this table"],
  ["N", "New run"],
  ["J K", "Next and previous in a list"],
  ["P", "Pause or resume the run"],
  ["Ctrl ↵", "Check the plan"],
  ["Esc", "Close"],
  ["?", "All keys"],
];

/** All keys. */
export function KeysDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" {...focus}>
          <Dialog.Title>Keys</Dialog.Title>
          <Dialog.Description className="soft">They are off while you type, and can be switched off in the menu of your account.</Dialog.Description>
          <dl className="keys">
            {KEYS.map(([key, does]) => (
              <div key={key} className="contents">
                <dt>{does}</dt>
                <dd>
                  <kbd>{key}</kbd>
                </dd>
              </div>
            ))}
          </dl>
          <div className="row justify-end">
            <Dialog.Close asChild>
              <Button>Close</Button>
            </Dialog.Close>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
