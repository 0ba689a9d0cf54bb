import type { RunEvent } from "../api/types";
import { clockSeconds, full } from "../format/time";
import { told } from "../words/events";
import { Icon } from "./Icon";

/** What happened in a run. Events hold counts and names only. */
export function EventList({ events, label = "Events, newest first" }: { events: readonly RunEvent[]; label?: string }) {
  return (
    <ol className="events" aria-label={label}>
      {events.map((event) => {
        const at = new Date(event.at);
        const shown = told(event);
        return (
          <li key={event.seq} id={`event-${event.seq}`} className={shown.tone}>
            <time dateTime={event.at} title={full(at)}>
              {clockSeconds(at)}
            </time>
            <Icon name={shown.icon} />
            <div>
              {shown.mapping && <b className="mono">{shown.mapping} </b>}
              {shown.text}
              {shown.remark && <small>{shown.remark}</small>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
