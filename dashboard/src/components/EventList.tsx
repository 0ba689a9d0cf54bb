import { useEffect, useRef } from "react";
import { Link } from "react-router";
import type { RunEvent } from "../api/types";
import { clockSeconds, full } from "../format/time";
import { useHash } from "../shell/useHash";
import { told } from "../words/events";
import { classes } from "./classes";
import { Icon } from "./Icon";

interface EventListProps {
  events: readonly RunEvent[];
  label?: string;
  /** The page of all events: each has an address there. */
  page: string;
}

/** What happened in a run. Events hold counts and names only. The one that the address names is scrolled to. */
export function EventList({ events, label = "Events, newest first", page }: EventListProps) {
  const asked = useHash();
  const shown = useRef<HTMLLIElement>(null);
  useEffect(() => {
    shown.current?.scrollIntoView({ block: "center" });
  }, [asked]);
  return (
    <ol className="events" aria-label={label}>
      {events.map((event) => {
        const at = new Date(event.at);
        const { icon, tone, mapping, text, remark } = told(event);
        const id = `event-${event.seq}`;
        return (
          <li key={event.seq} id={id} className={classes(tone, id === asked && "asked")} ref={id === asked ? shown : undefined}>
            <time dateTime={event.at} title={full(at)}>
              <Link to={`${page}#${id}`}>{clockSeconds(at)}</Link>
            </time>
            <Icon name={icon} />
            <div>
              {mapping && <b className="mono">{mapping} </b>}
              {text}
              {remark && <small>{remark}</small>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
