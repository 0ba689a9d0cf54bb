import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { Link, useParams } from "react-router";
import { quarantineGroupsQuery, quarantineRowsQuery, replaysQuery } from "../api/queries";
import type { QuarantineGroup, QuarantineRow, RunStatus } from "../api/types";
import { Button } from "../components/Button";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { Icon } from "../components/Icon";
import { ReasonTable } from "../components/ReasonTable";
import { Select } from "../components/Select";
import { counted, grouped } from "../format/number";
import { percentText } from "../format/percent";
import { useKeys } from "../keys/useKeys";
import { useMay } from "../live/SessionStore";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { FATE_CHOICES, FATES } from "../words/fates";
import { shortId, spoken } from "../words/identifiers";
import { writes } from "../words/kinds";
import { isActive } from "../words/states";
import { Loaded } from "./Loaded";
import { QuarantinedRow } from "./QuarantinedRow";
import { ReplayDialog } from "./ReplayDialog";
import { RunTabs } from "./RunTabs";

const BY = [
  { value: "", word: "reason" },
  { value: "mapping", word: "mapping" },
  { value: "column", word: "column" },
];

/** The kind of rows that is looked at. Its mapping stands apart (`of`) from the filter of mappings, which narrows the kinds, too. */
const NOTHING = { reason: "", of: "", column: "", row: "" };

function chosenIn(address: ReturnType<typeof useAddress>) {
  return { reason: address.get("reason"), mapping: address.get("of") || address.get("mapping"), column: address.get("column") };
}

/** Refused rows by reason; one row at a time beside them, masked. */
export function Quarantine() {
  const { id = "" } = useParams();
  const address = useAddress();
  const { status } = useRun(id);
  const [by, mapping, state] = [address.get("by"), address.get("mapping"), address.get("state")];
  const chosen = chosenIn(address);
  const query = useQuery(quarantineGroupsQuery(id, { by, mapping, state }));
  const found = useInfiniteQuery(quarantineRowsQuery(id, { ...chosen, state }));
  useTitle("Quarantine", status?.migration);
  useCrumbs([
    { word: "Migrations", to: "/migrations" },
    ...(status ? [{ word: status.migration, to: `/migrations/${status.id}` }] : []),
    { word: `Run ${shortId(id)}`, to: `/runs/${id}` },
    { word: "Quarantine" },
  ]);
  const first = query.data;
  const rows = found.isEnabled ? (found.data?.pages.flatMap((page) => page.rows ?? []) ?? []) : [];
  const mappings = [...new Set(status?.quarantine.map((reason) => reason.mapping))];
  const choose = (group: QuarantineGroup): void =>
    address.set({ reason: group.reason, of: group.mapping === mapping ? "" : group.mapping, column: group.column, row: "" }, true);
  return (
    <>
      <Head
        title="Quarantine"
        beside={
          first && (
            <span className="pill quarantined">
              <Icon name="quarantine" />
              {counted(first.waiting, "row")} wait
            </span>
          )
        }
        facts={
          status && (
            <>
              <span>
                {status.migration}, run {shortId(id)}
              </span>
              {status.counts.read > 0 && <span>{percentText(status.counts.quarantined, status.counts.read)} % of rows read</span>}
              {first && first.count > first.waiting && <span>{grouped(first.count - first.waiting)} decided since</span>}
              <Replays runId={id} migrationId={status.id} />
            </>
          )
        }
        actions={status && first && <ReplayAll runId={id} status={status} waiting={first.waiting} />}
      />
      {status && <RunTabs runId={id} status={status} tab="quarantine" />}
      <div className="row wrap filters" role="group" aria-label="Filters">
        <Select label="Group by" value={by} choices={BY} onChange={(next) => address.set({ ...NOTHING, by: next })} />
        <Select
          label="Mapping"
          value={mapping}
          choices={[{ value: "", word: "all" }, ...mappings.map((name) => ({ value: name, word: name }))]}
          onChange={(next) => address.set({ ...NOTHING, mapping: next })}
        />
        <Select label="State" value={state} choices={FATE_CHOICES} onChange={(next) => address.set({ state: next, row: "" })} />
        {(chosen.reason || chosen.column) && (
          <Button look="quiet" icon="x" onClick={() => address.set(NOTHING)}>
            {[chosen.reason && spoken(chosen.reason), chosen.column].filter(Boolean).join(", ")}
          </Button>
        )}
        <span className="xs muted row ml-auto gap-1.5">
          <Icon name="lock" small />
          Values are masked, but for columns that the plan cleared.
        </span>
      </div>
      <Loaded query={query} label="Loading the quarantine">
        {() => (
          <Split
            runId={id}
            status={status}
            groups={first?.groups ?? []}
            total={first?.count ?? 0}
            rows={rows}
            onChoose={choose}
            onMore={found.hasNextPage ? () => void found.fetchNextPage() : undefined}
          />
        )}
      </Loaded>
    </>
  );
}

/** The runs that took rows of this one again. */
function Replays({ runId, migrationId }: { runId: string; migrationId: string }) {
  const { data: replays = [] } = useQuery(replaysQuery(migrationId, runId));
  if (replays.length === 0) return null;
  return (
    <span>
      replayed by{" "}
      {replays.map((run, position) => (
        <Fragment key={run.id}>
          {position > 0 && ", "}
          <Link className="link" to={`/runs/${run.id}`}>
            run {shortId(run.id)}
          </Link>
        </Fragment>
      ))}
    </span>
  );
}

/** All that wait, in one replay. */
function ReplayAll({ runId, status, waiting }: { runId: string; status: RunStatus; waiting: number }) {
  const address = useAddress();
  const mayReplay = useMay("migration:replay");
  if (!mayReplay || waiting === 0 || isActive(status.phase) || !writes(status)) return null;
  return (
    <>
      <Button icon="replay" onClick={() => address.set({ ask: "replay" }, true)}>
        Replay all…
      </Button>
      <ReplayDialog runId={runId} status={status} waiting={waiting} open={address.get("ask") === "replay"} onClose={() => address.set({ ask: "" })} />
    </>
  );
}

interface SplitProps {
  runId: string;
  status: RunStatus | undefined;
  groups: readonly QuarantineGroup[];
  total: number;
  rows: readonly QuarantineRow[];
  onChoose: (group: QuarantineGroup) => void;
  onMore: (() => void) | undefined;
}

function Split({ runId, status, groups, total, rows, onChoose, onMore }: SplitProps) {
  const address = useAddress();
  const { reason, mapping, column } = chosenIn(address);
  const selected = groups.find((group) => group.reason === reason && group.mapping === mapping && group.column === column) ?? null;
  const ref = address.get("row");
  const at = rows.findIndex((row) => row.ref === ref);
  const shown = rows[at] ?? (ref === "" && reason !== "" ? rows[0] : undefined);
  const position = shown ? rows.indexOf(shown) : -1;
  const open = (row: QuarantineRow | undefined): (() => void) | undefined => (row ? () => address.set({ row: row.ref }) : undefined);
  const next = open(rows[position + 1]);
  const previous = position > 0 ? open(rows[position - 1]) : undefined;
  useKeys({ j: shown ? next : undefined, k: shown ? previous : undefined });
  if (groups.length === 0)
    return (
      <div className="card">
        {total === 0 ? (
          <EmptyState title="Quarantine is empty" icon="check" tone="completed">
            Every row that was read passed the rules of the plan and the constraints of the target.
          </EmptyState>
        ) : (
          <EmptyState
            title="No row matches"
            action={<Button onClick={() => address.set({ ...NOTHING, mapping: "", state: "" })}>Clear filters</Button>}
          >
            {counted(total, "row")} wait, none of this kind.
          </EmptyState>
        )}
      </div>
    );
  return (
    <div className={shown ? "split" : ""}>
      <div className="stack">
        <ReasonTable groups={groups} total={total} narrowed={address.get("mapping") !== ""} selected={selected} onSelect={onChoose} />
        {rows.length > 0 && (
          <Refs rows={rows} shown={shown} onOpen={(row) => address.set({ row: row.ref }, true)} onMore={onMore} />
        )}
      </div>
      {shown && (
        <QuarantinedRow
          key={shown.ref}
          runId={runId}
          status={status}
          row={shown}
          group={selected}
          position={`row ${grouped(position + 1)} of ${grouped(selected?.count ?? rows.length)}`}
          onNext={next}
          onPrevious={previous}
          onClose={() => address.set(NOTHING)}
        />
      )}
    </div>
  );
}

interface RefsProps {
  rows: readonly QuarantineRow[];
  shown: QuarantineRow | undefined;
  onOpen: (row: QuarantineRow) => void;
  onMore: (() => void) | undefined;
}

/** The rows of the chosen kind by their refs: a legacy key would say who it is. */
function Refs({ rows, shown, onOpen, onMore }: RefsProps) {
  return (
    <section className="card pad stack tight" aria-label="Rows">
      <div className="row wrap">
        {rows.map((row) => (
          <button key={row.ref} type="button" className="tag mono" aria-pressed={row === shown} onClick={() => onOpen(row)}>
            {row.state !== "waiting" && <Icon name={FATES[row.state].icon} small />}
            {shortId(row.ref)}
            {row.state !== "waiting" && <span className="sr">, {FATES[row.state].word}</span>}
          </button>
        ))}
      </div>
      {onMore && <Button onClick={onMore}>More rows</Button>}
    </section>
  );
}
