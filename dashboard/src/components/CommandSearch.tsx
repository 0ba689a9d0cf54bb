import { Dialog } from "radix-ui";
import { useId, useState, type KeyboardEvent } from "react";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";
import { useFocusReturn } from "./useFocusReturn";

export interface Found {
  id: string;
  word: string;
  remark: string;
  icon: IconName;
  to: string;
}

interface CommandSearchProps {
  open: boolean;
  /** Everything that can be found, in the order shown; what matches is chosen here. */
  things: readonly Found[];
  onChoose: (to: string) => void;
  onClose: () => void;
}

const SHOWN = 12;

/** What of the things matches every word that was typed. */
export function matching(things: readonly Found[], typed: string): readonly Found[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return things
    .filter((thing) => {
      const text = `${thing.word} ${thing.remark}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .slice(0, SHOWN);
}

/** Finds a migration, a run, a plan or a page by typing. */
export function CommandSearch({ open, things, onChoose, onClose }: CommandSearchProps) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog find" {...focus} aria-describedby={undefined}>
          <Dialog.Title className="sr">Find</Dialog.Title>
          <Finder things={things} onChoose={onChoose} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder({ things, onChoose }: Pick<CommandSearchProps, "things" | "onChoose">) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const found = matching(things, typed);
  const here = Math.min(at, Math.max(0, found.length - 1));
  const move = (event: KeyboardEvent): void => {
    const chosen = found[here];
    if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, here + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, here - 1));
    else if (event.key === "Enter" && chosen) onChoose(chosen.to);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        className="input"
        role="combobox"
        aria-label="Find a migration, a run, a plan or a page"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={found[here] ? `${id}-${found[here].id}` : undefined}
        placeholder="Find a migration, a run, a plan or a page"
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={move}
      />
      <div className="find-list" id={id} role="listbox" aria-label="Found">
        {found.map((thing, position) => (
          <div
            key={thing.id}
            id={`${id}-${thing.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={position === here}
            onClick={() => onChoose(thing.to)}
            onKeyDown={move}
            onPointerMove={() => setAt(position)}
          >
            <Icon name={thing.icon} />
            <span className="grow clip">{thing.word}</span>
            <span className="xs muted">{thing.remark}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="xs muted px-3 pb-2">Nothing is called so.</p>}
    </>
  );
}
