import { useId } from "react";

interface ChoiceProps {
  /** One of several, or on and off. */
  kind?: "radio" | "checkbox";
  /** Of radios that exclude each other. */
  name?: string;
  word: string;
  /** What it does, in a sentence. */
  remark?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

/** Something to choose, with what it does. */
export function Choice({ kind = "checkbox", name, word, remark, checked, disabled = false, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <label className="choice" htmlFor={id}>
      <input id={id} type={kind} name={name} checked={checked} disabled={disabled} onChange={(event) => onChange(event.target.checked)} />
      <span className={kind === "radio" ? "medium" : undefined}>{word}</span>
      {remark !== undefined && remark !== "" && <small>{remark}</small>}
    </label>
  );
}
