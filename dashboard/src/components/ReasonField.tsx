import { useId } from "react";

const SHORTEST = 10;
const LONGEST = 500;

/** Whether it says enough to be kept in the audit. */
export function isReason(text: string): boolean {
  const written = text.trim().length;
  return written >= SHORTEST && written <= LONGEST;
}

/** Why something is done: it is kept in the audit with the name of whoever wrote it. */
export function ReasonField({ value, onChange }: { value: string; onChange: (reason: string) => void }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>Reason</label>
      <input
        className="input"
        id={id}
        autoComplete="off"
        maxLength={LONGEST}
        value={value}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span className="hint" id={`${id}-hint`}>
        At least {SHORTEST} characters. No patient data here.
      </span>
    </div>
  );
}
