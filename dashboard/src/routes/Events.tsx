import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { eventsQuery } from "../api/queries";
import { Button } from "../components/Button";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { EventList } from "../components/EventList";
import { Head } from "../components/Head";
import { Select } from "../components/Select";
import { counted } from "../format/number";
import { zone } from "../format/time";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { shortId } from "../words/identifiers";
import { Loaded } from "./Loaded";
import { RunTabs } from "./RunTabs";

const LEVELS = [
  { value: "", word: "all" },
  { value: "warning", word: "to look at" },
  { value: "error", word: "failures" },
];

/** Everything that happened to a run, newest first. */
export function Events() {
  const { id = "" } = useParams();
  const address = useAddress();
  const level = address.get("level");
  const query = useQuery(eventsQuery(id, level));
  const { status } = useRun(id);
  useTitle("Events", status?.migration);
  useCrumbs([
    { word: "Migrations", to: "/migrations" },
    ...(status ? [{ word: status.migration, to: `/migrations/${status.id}` }] : []),
    { word: `Run ${shortId(id)}`, to: `/runs/${id}` },
    { word: "Events" },
  ]);
  return (
    <>
      <Head title="Events" facts={<span>{`run ${shortId(id)} · times in ${zone()}`}</span>} />
      {status && <RunTabs runId={id} status={status} tab="events" />}
      <div className="row wrap filters">
        <Select label="Level" value={level} choices={LEVELS} onChange={(next) => address.set({ level: next })} />
      </div>
      <Loaded query={query} label="Loading events">
        {(events) => (
          <Card title={counted(events.length, "event")}>
            {events.length > 0 ? (
              <EventList events={events} page={`/runs/${id}/events${level && `?level=${level}`}`} />
            ) : (
              <EmptyState title="No event of this level" action={<Button onClick={() => address.set({ level: "" })}>Show all</Button>}>
                Nothing asked for somebody.
              </EmptyState>
            )}
          </Card>
        )}
      </Loaded>
    </>
  );
}
