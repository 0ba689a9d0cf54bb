import { useEffect } from "react";

/** The title of the tab: what this page is about, without a value of a row. */
export function useTitle(...parts: readonly (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), "Transfuse"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
