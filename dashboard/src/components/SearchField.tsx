import { useEffect, useRef, useState } from "react";
import { Icon } from "./Icon";
import { Kbd } from "./Kbd";

const SETTLES_MS = 250;

interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** Filters a list by what is typed, a moment after the last letter. The key F leads here. */
export function SearchField({ label, value, onChange }: SearchFieldProps) {
  const [typed, setTyped] = useState(value);
  const [given, setGiven] = useState(value);
  if (given !== value) {
    // The address changed under it, by back or by "Clear filters".
    setGiven(value);
    setTyped(value);
  }
  const change = useRef(onChange);
  useEffect(() => {
    change.current = onChange;
  });
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => change.current(typed.trim()), SETTLES_MS);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <span className="searchfield">
      <Icon name="search" small />
      <input
        className="input"
        type="search"
        data-filter=""
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <Kbd>F</Kbd>
    </span>
  );
}
