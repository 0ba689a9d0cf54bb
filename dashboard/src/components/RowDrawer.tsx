import { Dialog } from "radix-ui";
import { useEffect, useRef, type ReactNode } from "react";
import { Button } from "./Button";
import { useWide } from "./wide";
import { useFocusReturn } from "./useFocusReturn";

interface RowDrawerProps {
  title: string;
  remark: ReactNode;
  onClose: () => void;
  onNext?: (() => void) | undefined;
  onPrevious?: (() => void) | undefined;
  children: ReactNode;
}

/** One row beside the list where there is room, over it where there is none. Closing returns the focus to where it was. */
export function RowDrawer(props: RowDrawerProps) {
  const wide = useWide("75rem");
  return wide ? <Beside {...props} /> : <Over {...props} />;
}

function Beside({ title, children, ...rest }: RowDrawerProps) {
  const here = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    here.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside className="card drawer" aria-label={title} ref={here} tabIndex={-1}>
      <header>
        <Title {...rest} title={<h2>{title}</h2>} close={<Button look="quiet" icon="x" aria-label="Close" onClick={rest.onClose} />} />
      </header>
      {children}
    </aside>
  );
}

function Over({ title, children, ...rest }: RowDrawerProps) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open onOpenChange={(next) => !next && rest.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="sheet card drawer" {...focus} aria-describedby={undefined}>
          <header>
            <Title
              {...rest}
              title={<Dialog.Title>{title}</Dialog.Title>}
              close={
                <Dialog.Close asChild>
                  <Button look="quiet" icon="x" aria-label="Close" />
                </Dialog.Close>
              }
            />
          </header>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface TitleProps extends Omit<RowDrawerProps, "title" | "children"> {
  title: ReactNode;
  close: ReactNode;
}

function Title({ title, remark, onNext, onPrevious, close }: TitleProps) {
  return (
    <>
      <div className="grow">
        {title}
        <div className="xs muted">{remark}</div>
      </div>
      <span className="row gap-1">
        <Button look="quiet" icon="chev" className="rotate-180" aria-label="Previous row" disabled={!onPrevious} onClick={onPrevious} />
        <Button look="quiet" icon="chev" aria-label="Next row" disabled={!onNext} onClick={onNext} />
        {close}
      </span>
    </>
  );
}
