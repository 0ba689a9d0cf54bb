import { useInfiniteQuery } from "@tanstack/react-query";
import { findingsQuery } from "../api/queries";
import type { FindingKind, RowFinding, Verification } from "../api/types";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { Select } from "../components/Select";
import { useAddress } from "../shell/useAddress";
import { FINDING_KINDS } from "../words/verification";
import { Loaded } from "./Loaded";
import { More } from "./More";

const KINDS: readonly { value: string; word: string }[] = [
  { value: "", word: "all" },
  ...(Object.keys(FINDING_KINDS) as FindingKind[]).map((kind) => ({ value: kind, word: FINDING_KINDS[kind].word })),
];

/** Rows that are not as they should be, one by one: where, which columns, the key in the target. No values. */
export function Findings({ runId, found }: { runId: string; found: Verification }) {
  const address = useAddress();
  const [mapping, kind] = [address.get("mapping"), address.get("kind")];
  const query = useInfiniteQuery(findingsQuery(runId, { mapping, kind }));
  return (
    <Card
      title="Rows"
      aside={
        <div className="row wrap" role="group" aria-label="Filters">
          <Select
            label="Mapping"
            value={mapping}
            choices={[{ value: "", word: "all" }, ...found.mappings.map((one) => ({ value: one.mapping, word: one.mapping }))]}
            onChange={(next) => address.set({ mapping: next })}
          />
          <Select label="Kind" value={kind} choices={KINDS} onChange={(next) => address.set({ kind: next })} />
        </div>
      }
    >
      <Loaded query={query} label="Loading rows">
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.findings);
          if (rows.length === 0)
            return (
              <EmptyState title="No row of this kind">{mapping || kind ? "Others may be there: clear the filters." : "None is listed by itself."}</EmptyState>
            );
          return (
            <>
              <FindingTable rows={rows} />
              <More {...query} word="More rows" />
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

function FindingTable({ rows }: { rows: readonly RowFinding[] }) {
  return (
    <div className="scroll-x" role="region" aria-label="Rows that are not as they should be" tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Mapping</th>
            <th scope="col">What is wrong</th>
            <th scope="col">Columns</th>
            <th scope="col">Key in the target</th>
            <th scope="col">Source</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.ref}>
              <td className="mono">{row.mapping}</td>
              <td title={FINDING_KINDS[row.kind].sentence}>{FINDING_KINDS[row.kind].word}</td>
              <td className="mono">{row.columns.length > 0 ? row.columns.join(", ") : <span className="muted">–</span>}</td>
              <td className="mono xs">{row.targetKey ?? <span className="muted">–</span>}</td>
              <td className="soft">{row.sourceChanged === null ? "unknown" : row.sourceChanged ? "changed since" : "as it was"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
