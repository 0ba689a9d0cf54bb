import { ago, full, when } from "../format/time";
import { useNow } from "./clock";

/** A moment: relative up to a day, else with its date; the full time is in the title. `absolute` always gives the clock. */
export function Ago({ at, absolute = false }: { at: string | Date; absolute?: boolean }) {
  const now = useNow(absolute ? 60 : 1);
  const moment = typeof at === "string" ? new Date(at) : at;
  return (
    <time dateTime={moment.toISOString()} title={full(moment)}>
      {absolute ? when(moment, now) : ago(moment, now)}
    </time>
  );
}
