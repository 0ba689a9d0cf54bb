import { duration, span } from "../format/time";

/** A length of time: 4:19, or in words "4 min". */
export function Duration({ seconds, words = false }: { seconds: number; words?: boolean }) {
  return <span title={duration(seconds)}>{words ? span(seconds) : duration(seconds)}</span>;
}
