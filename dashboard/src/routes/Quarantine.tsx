import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { quarantineQuery } from "../api/queries";
import type { QuarantineGroup, QuarantineRow } from "../api/types";
import { Button } from "../components/Button";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { Icon } from "../components/Icon";
import { ReasonTable } from "../components/ReasonTable";
import { Select } from "../components/Select";
import { counted, grouped } from "../format/number";
import { percentText } from "../format/percent";
import { useKeys } from "../keys/useKeys";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { shortId, spoken } from "../words/identifiers";
import { Loaded } from "./Loaded";
import { QuarantinedRow } from "./QuarantinedRow";
import { RunTabs } from "./Run";

const BY = [
  { value: "", word: "reason" },
  { value: "mapping", word: "mapping" },
  { value: "column", word: "column" },
];
const STATES = [
  { value: "", word: "any" },
  { value: "waiting", word: "waiting" },
  { value: "replayed", word: "replayed" },
  { value: "discarded", word: "discarded" },
];

/** Refused rows by reason; one row at a time beside them, masked. */
export function Quarantine() {
  const { id = "" } = useParams();
  const address = useAddress();
  const { status } = useRun(id);
  const filters = {
    by: address.get("by"),
    reason: address.get("reason"),
    mapping: address.get("mapping"),
    column: address.get("column"),
    state: address.get("state"),
  };
  const query = useInfiniteQuery(quarantineQuery(id, filters));
  useTitle("Quarantine", status?.migration);
  useCrumbs([
    { word: "Migrations", to: "/migrations" },
    ...(status ? [{ word: status.migration, to: `/migrations/${status.id}` }] : []),
    { word: `Run ${shortId(id)}`, to: `/runs/${id}` },
    { word: "Quarantine" },
  ]);
  const first = query.data?.pages[0];
  const rows = query.data?.pages.flatMap((page) => page.rows ?? []) ?? [];
  const mappings = [...new Set(status?.quarantine.map((reason) => reason.mapping))];
  const choose = (group: QuarantineGroup): void =>
    address.set({ reason: group.reason, mapping: group.mapping, column: group.column, row: "" }, true);
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
            </>
          )
        }
      />
      {status && <RunTabs runId={id} status={status} tab="quarantine" />}
      <div className="row wrap filters" role="group" aria-label="Filters">
        <Select label="Group by" value={filters.by} choices={BY} onChange={(by) => address.set({ by, row: "" })} />
        <Select
          label="Mapping"
          value={filters.mapping}
          choices={[{ value: "", word: "all" }, ...mappings.map((mapping) => ({ value: mapping, word: mapping }))]}
          onChange={(mapping) => address.set({ mapping, row: "" })}
        />
        <Select label="State" value={filters.state} choices={STATES} onChange={(state) => address.set({ state, row: "" })} />
        {(filters.reason || filters.column) && (
          <Button look="quiet" icon="x" onClick={() => address.set({ reason: "", column: "", mapping: "", row: "" })}>
            {[filters.reason && spoken(filters.reason), filters.column].filter(Boolean).join(", ")}
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
            groups={first?.groups ?? []}
            total={first?.count ?? 0}
            rows={rows}
            onChoose={choose}
            onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
          />
        )}
      </Loaded>
    </>
  );
}

interface SplitProps {
  runId: string;
  groups: readonly QuarantineGroup[];
  total: number;
  rows: readonly QuarantineRow[];
  onChoose: (group: QuarantineGroup) => void;
  onMore: (() => void) | undefined;
}

function Split({ runId, groups, total, rows, onChoose, onMore }: SplitProps) {
  const address = useAddress();
  const here = (name: "reason" | "mapping" | "column"): string => address.get(name);
  const selected =
    groups.find((group) => group.reason === here("reason") && group.mapping === here("mapping") && group.column === here("column")) ?? null;
  const ref = address.get("row");
  const at = rows.findIndex((row) => row.ref === ref);
  const shown = rows[at] ?? (ref === "" && here("reason") !== "" ? rows[0] : undefined);
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
            action={<Button onClick={() => address.set({ reason: "", mapping: "", column: "", state: "", row: "" })}>Clear filters</Button>}
          >
            {counted(total, "row")} wait, none of this kind.
          </EmptyState>
        )}
      </div>
    );
  return (
    <div className={shown ? "split" : ""}>
      <div className="stack">
        <ReasonTable groups={groups} total={total} selected={selected} onSelect={onChoose} />
        {rows.length > 0 && (
          <Refs rows={rows} shown={shown} onOpen={(row) => address.set({ row: row.ref }, true)} onMore={onMore} />
        )}
      </div>
      {shown && (
        <QuarantinedRow
          key={shown.ref}
          runId={runId}
          row={shown}
          position={`row ${grouped(position + 1)} of ${grouped(selected?.count ?? rows.length)}`}
          onNext={next}
          onPrevious={previous}
          onClose={() => address.set({ row: "", reason: "", column: "", mapping: "" })}
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
            {shortId(row.ref)}
          </button>
        ))}
      </div>
      {onMore && <Button onClick={onMore}>More rows</Button>}
    </section>
  );
}
