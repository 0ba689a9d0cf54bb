import { useToasts } from "./Toast";
import { Button } from "./Button";

/** Copies a line that holds no value of a row. */
export function CopyButton({ text, label, word }: { text: string; label: string; word?: string }) {
  const tell = useToasts((state) => state.tell);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      tell({ tone: "completed", text: "Copied." });
    } catch {
      tell({ tone: "failed", text: "The browser did not allow copying." });
    }
  };
  return (
    <Button look="quiet" icon="copy" aria-label={label} onClick={() => void copy()}>
      {word}
    </Button>
  );
}
