import {
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  createColumnHelper,
  type SortingState,
} from "@tanstack/react-table";
import { useMemo } from "react";
import { Link } from "react-router";
import type { Counts, MappingStatus, MappingState, Outcome } from "../api/types";
import { counted, grouped } from "../format/number";
import { floorPercent, percentText } from "../format/percent";
import { passWord } from "../words/passes";
import { OUTCOMES, shownOutcomes } from "../words/states";
import { BalanceBar } from "./BalanceBar";
import { Button } from "./Button";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";
import { Num } from "./Num";
import { classes } from "./classes";

const MARKS: Record<MappingState, { icon: IconName; tone: string; word: string }> = {
  planned: { icon: "clock", tone: "pending", word: "waits" },
  open: { icon: "play", tone: "running", word: "moves" },
  paused: { icon: "pause", tone: "paused", word: "paused" },
  complete: { icon: "check", tone: "completed", word: "complete" },
  failed: { icon: "fail", tone: "failed", word: "failed" },
};
/** Outcomes whose figures have their colour: somebody decided on such rows, or has to. */
const TOLD: ReadonlySet<string> = new Set(["merged", "quarantined", "deleted", "different"]);
const RANK: Record<MappingState, number> = { failed: 0, paused: 1, open: 2, planned: 3, complete: 4 };

interface MappingTableProps {
  mappings: readonly MappingStatus[];
  /** Rows of each mapping that nothing explains; given when the run is over. */
  unaccounted?: ReadonlyMap<string, number | null>;
  /** "rate" or "-rate"; empty: what moves first. */
  sort: string;
  onSort: (sort: string) => void;
  /** Where a mapping's refused rows are. */
  quarantine: (mapping: string) => string;
  /** The run stands still: show what there was, without a rate. */
  still?: boolean;
  /** Goes on with one mapping that is paused or failed; given to whoever may. */
  onResume?: ((mapping: string) => void) | undefined;
}

/** A mapping and its pass, as one name. */
export function mappingName(mapping: Pick<MappingStatus, "mapping" | "pass">): string {
  const pass = passWord(mapping.pass);
  return pass ? `${mapping.mapping} (${pass})` : mapping.mapping;
}

const column = createColumnHelper<MappingStatus>();

/** The mappings of a run: a table on a desk, cards on a phone. */
export function MappingTable(props: MappingTableProps) {
  const { mappings, sort, onSort } = props;
  const columns = useColumns(props);
  const data = useMemo(
    () => [...mappings].sort((one, other) => RANK[one.state] - RANK[other.state] || other.rowsPerSecond - one.rowsPerSecond),
    [mappings],
  );
  const sorting = useMemo<SortingState>(() => (sort === "" ? [] : [{ id: sort.replace(/^-/, ""), desc: sort.startsWith("-") }]), [sort]);
  // Its functions are not memoized by a compiler, and nothing here hands them on.
  // eslint-disable-next-line react-hooks/incompatible-library
  const table = useReactTable({
    data,
    columns,
    state: { sorting },
    onSortingChange: (update) => {
      const next = (typeof update === "function" ? update(sorting) : update)[0];
      onSort(next ? `${next.desc ? "-" : ""}${next.id}` : "");
    },
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    // There are no pages to go back to the first of: doing so would draw the table again, and again.
    autoResetAll: false,
    autoResetPageIndex: false,
  });
  return (
    <>
      <div className="scroll-x only-wide-table" role="region" aria-label="Mappings" tabIndex={0}>
        <table className="table maps">
          <thead>
            <tr>
              {table.getFlatHeaders().map((header) => {
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={header.id === "mapping" || header.id === "settled" ? "" : "num"}
                    aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : "none"}
                  >
                    <button type="button" onClick={header.column.getToggleSortingHandler()}>
                      {flexRender(header.column.columnDef.header, header.getContext())}
                      {sorted !== false && <Icon name="down" />}
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {table.getRowModel().rows.map((row) => (
              <tr key={row.id}>
                {row.getVisibleCells().map((cell) => (
                  <td key={cell.id} className={cellClass(cell.column.id, row.original.counts)}>
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
          <Totals {...props} />
        </table>
      </div>
      <MappingCards mappings={data} quarantine={props.quarantine} onResume={props.onResume} />
    </>
  );
}

function cellClass(id: string, counts: Counts): string {
  if (id === "mapping") return "";
  if (id === "settled") return "prog";
  const outcome = OUTCOMES.find((known) => known === id);
  const none = id === "read" ? counts.read === 0 : outcome !== undefined && counts[outcome] === 0;
  const told = TOLD.has(id) && !none;
  return classes("num", none && "zero", told && `c-ink ${id}`);
}

function outcomesOf(mappings: readonly MappingStatus[]): readonly Outcome[] {
  return shownOutcomes(...mappings.map(({ counts }) => counts));
}

function useColumns({ mappings, unaccounted, quarantine, still = false, onResume }: MappingTableProps) {
  const outcomes = outcomesOf(mappings).join(" ");
  return useMemo(
    () => [
      column.accessor((mapping) => mappingName(mapping), {
        id: "mapping",
        header: "Mapping",
        cell: ({ row }) => <Name mapping={row.original} quarantine={quarantine} />,
      }),
      column.accessor((mapping) => mapping.counts.read, {
        id: "read",
        header: "Read",
        sortDescFirst: true,
        cell: (cell) => grouped(cell.getValue()),
      }),
      ...(outcomes.split(" ") as Outcome[]).map((outcome) =>
        column.accessor((mapping) => mapping.counts[outcome], {
          id: outcome,
          header: outcome.charAt(0).toUpperCase() + outcome.slice(1),
          sortDescFirst: true,
          cell: (cell) => grouped(cell.getValue()),
        }),
      ),
      column.accessor((mapping) => floorPercent(mapping.current, mapping.total ?? 0), {
        id: "settled",
        header: "Settled",
        sortDescFirst: true,
        cell: ({ row }) => <Settled mapping={row.original} />,
      }),
      unaccounted
        ? column.accessor((mapping) => unaccounted.get(mappingName(mapping)) ?? -1, {
            id: "unaccounted",
            header: "Unaccounted",
            sortDescFirst: true,
            cell: ({ row }) => <Unaccounted rows={unaccounted.get(mappingName(row.original)) ?? null} />,
          })
        : column.accessor((mapping) => mapping.rowsPerSecond, {
            id: "rate",
            header: "Rows/s",
            sortDescFirst: true,
            cell: ({ row }) =>
              onResume && isStopped(row.original) ? (
                <Resume mapping={row.original} onResume={onResume} />
              ) : (
                <Num value={row.original.state === "open" && !still ? row.original.rowsPerSecond : null} asRate />
              ),
          }),
    ],
    [outcomes, unaccounted, quarantine, still, onResume],
  );
}

function isStopped({ state }: MappingStatus): boolean {
  return state === "paused" || state === "failed";
}

function Resume({ mapping, onResume }: { mapping: MappingStatus; onResume: (mapping: string) => void }) {
  return (
    <Button icon="play" aria-label={`Resume ${mapping.mapping} alone`} onClick={() => onResume(mapping.mapping)}>
      Resume
    </Button>
  );
}

function Name({ mapping, quarantine }: { mapping: MappingStatus; quarantine: (mapping: string) => string }) {
  const mark = MARKS[mapping.state];
  return (
    <span className="row mono nmx">
      <span className={classes(mark.tone, "c-fill inline-flex")} title={mark.word}>
        <Icon name={mark.icon} small />
      </span>
      {mapping.counts.quarantined > 0 ? (
        <Link to={quarantine(mapping.mapping)}>{mappingName(mapping)}</Link>
      ) : (
        <span>{mappingName(mapping)}</span>
      )}
      <span className="sr">{mark.word}</span>
    </span>
  );
}

function Settled({ mapping }: { mapping: MappingStatus }) {
  if (mapping.state === "planned" && mapping.waitsFor.length > 0)
    return <span className="xs muted">waits for {mapping.waitsFor.join(", ")}</span>;
  if (mapping.total === null) return <span className="xs muted">not counted yet</span>;
  return (
    <div className="row">
      <div className="grow">
        <BalanceBar counts={mapping.counts} total={mapping.total} inFlight={mapping.inFlight} label={`${mappingName(mapping)} settled`} />
      </div>
      <span className="xs pct">{settledText(mapping)} %</span>
    </div>
  );
}

/** Settled share of a mapping; one without rows is whole when it is complete. */
function settledText(mapping: MappingStatus): string {
  if (mapping.total === 0) return mapping.state === "complete" ? "100" : "0";
  return percentText(mapping.current, mapping.total ?? 0);
}

function Unaccounted({ rows }: { rows: number | null }) {
  if (rows === null) return <span className="attention c-ink">unknown</span>;
  if (rows !== 0) return <b className="failed c-ink">{grouped(rows)}</b>;
  return (
    <span className="okk">
      <Icon name="check" small />0
    </span>
  );
}

function Totals({ mappings, unaccounted }: MappingTableProps) {
  const sum = (of: (mapping: MappingStatus) => number): number => mappings.reduce((total, mapping) => total + of(mapping), 0);
  const inFlight = sum((mapping) => mapping.inFlight);
  const lost = unaccounted ? [...unaccounted.values()] : [];
  return (
    <tfoot>
      <tr>
        <th scope="row">{counted(mappings.length, "mapping")}</th>
        <td className="num">{grouped(sum((mapping) => mapping.counts.read))}</td>
        {outcomesOf(mappings).map((outcome) => (
          <td key={outcome} className="num">
            {grouped(sum((mapping) => mapping.counts[outcome]))}
          </td>
        ))}
        <td className="xs muted">{inFlight > 0 && `about ${grouped(inFlight)} in flight`}</td>
        <td className="num">
          {unaccounted ? (
            lost.includes(null) ? "unknown" : grouped(lost.reduce<number>((total, rows) => total + (rows ?? 0), 0))
          ) : (
            <Num value={sum((mapping) => (mapping.state === "open" ? mapping.rowsPerSecond : 0))} asRate />
          )}
        </td>
      </tr>
    </tfoot>
  );
}

function MappingCards({ mappings, quarantine, onResume }: Pick<MappingTableProps, "mappings" | "quarantine" | "onResume">) {
  return (
    <ul className="cards only-phone" aria-label="Mappings">
      {mappings.map((mapping) => (
        <li key={mappingName(mapping)}>
          <div className="row between sm">
            <Name mapping={mapping} quarantine={quarantine} />
            <span>{mapping.total === null ? "–" : `${settledText(mapping)} %`}</span>
          </div>
          <BalanceBar
            counts={mapping.counts}
            total={mapping.total}
            inFlight={mapping.inFlight}
            size="thin"
            label={`${mappingName(mapping)} settled`}
          />
          <div className="row between xs muted">
            <span>
              {mapping.state === "planned" && mapping.waitsFor.length > 0
                ? `waits for ${mapping.waitsFor.join(", ")}`
                : `${grouped(mapping.current)} of ${mapping.total === null ? "unknown" : grouped(mapping.total)}`}
            </span>
            <span className={mapping.counts.quarantined > 0 ? "quarantined c-ink" : ""}>
              {grouped(mapping.counts.quarantined)} quarantined
            </span>
          </div>
          {onResume && isStopped(mapping) && <Resume mapping={mapping} onResume={onResume} />}
        </li>
      ))}
    </ul>
  );
}
