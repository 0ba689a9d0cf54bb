import { Toast as Radix } from "radix-ui";
import { create } from "zustand";
import { Icon } from "./Icon";
import { classes } from "./classes";
import { Link } from "react-router";

const SHOWN_MS = 8000;

export interface ToastMessage {
  id: number;
  tone: "completed" | "running" | "failed";
  text: string;
  link?: { to: string; word: string } | undefined;
}

interface Toasts {
  messages: readonly ToastMessage[];
  tell: (message: Omit<ToastMessage, "id">) => void;
  close: (id: number) => void;
}

let next = 0;

/** What happened just now; never what has to be read twice. */
export const useToasts = create<Toasts>()((set) => ({
  messages: [],
  tell: (message) => set((state) => ({ messages: [...state.messages.slice(-3), { ...message, id: ++next }] })),
  close: (id) => set((state) => ({ messages: state.messages.filter((message) => message.id !== id) })),
}));

const ICONS = { completed: "check", running: "replay", failed: "fail" } as const;

/** Where toasts appear: for 8 s, standing still under pointer or focus. */
export function Toaster() {
  const { messages, close } = useToasts();
  return (
    <Radix.Provider duration={SHOWN_MS} label="Notice">
      {messages.map((message) => (
        <Radix.Root
          key={message.id}
          className={classes("toast", message.tone)}
          type={message.tone === "failed" ? "foreground" : "background"}
          onOpenChange={(open) => !open && close(message.id)}
        >
          <Icon name={ICONS[message.tone]} />
          <Radix.Description>{message.text}</Radix.Description>
          {message.link ? (
            <Link className="link" to={message.link.to} onClick={() => close(message.id)}>
              {message.link.word}
            </Link>
          ) : (
            <Radix.Close className="btn icon quiet" aria-label="Close">
              <Icon name="x" small />
            </Radix.Close>
          )}
        </Radix.Root>
      ))}
      <Radix.Viewport className="toasts" />
    </Radix.Provider>
  );
}
