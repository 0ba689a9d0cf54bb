import { Select as Radix } from "radix-ui";
import { styleNonce } from "../styleNonce";
import { Icon } from "./Icon";

export interface Choice<T extends string> {
  value: T;
  word: string;
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
  /** The label is for screen readers only. */
  bare?: boolean;
}

/** Radix takes no empty value, and "any" is one in our addresses. */
const NONE = "\u0000";

/** One of a few. */
export function Select<T extends string>({ label, value, choices, onChange, bare = false }: SelectProps<T>) {
  const known = choices.some((choice) => choice.value === value);
  return (
    <Radix.Root value={value || NONE} onValueChange={(next) => onChange((next === NONE ? "" : next) as T)}>
      <Radix.Trigger className="select" aria-label={`${label}: ${choices.find((choice) => choice.value === value)?.word ?? value}`}>
        {!bare && <span className="soft">{label}</span>}
        <b>
          <Radix.Value />
        </b>
        <Icon name="down" small />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className="popover" position="popper" sideOffset={4}>
          <Radix.Viewport {...(styleNonce ? { nonce: styleNonce } : {})}>
            {(known ? choices : [...choices, { value, word: value }]).map((choice) => (
              <Radix.Item key={choice.value} value={choice.value || NONE}>
                <Radix.ItemText>{choice.word}</Radix.ItemText>
                <Radix.ItemIndicator className="ml-auto">
                  <Icon name="check" small />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
