import { useLocation } from "react-router";

/** The part of this page that the address names: the id of an element, or nothing. */
export function useHash(): string {
  const { hash } = useLocation();
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return "";
  }
}
