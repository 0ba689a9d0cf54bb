import { useCallback } from "react";
import { useSearchParams } from "react-router";

type Part = string | number | boolean | null | undefined;

interface Address {
  /** A parameter, or what stands for its absence. */
  get: (name: string, otherwise?: string) => string;
  /** Changes parameters; empty ones go. Filters replace the entry of the history, `push` adds one that back returns from. */
  set: (changes: Readonly<Record<string, Part>>, push?: boolean) => void;
}

/** Filters, tabs, sorting and open rows live in the address, and nowhere else. */
export function useAddress(): Address {
  const [params, setParams] = useSearchParams();
  const get = useCallback((name: string, otherwise = "") => params.get(name) ?? otherwise, [params]);
  const set = useCallback<Address["set"]>(
    (changes, push = false) =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changes))
            if (value === null || value === undefined || value === "" || value === false) next.delete(name);
            else next.set(name, String(value));
          return next;
        },
        { replace: !push },
      ),
    [setParams],
  );
  return { get, set };
}
