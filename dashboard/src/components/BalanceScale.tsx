import { Link } from "react-router";
import type { Counts } from "../api/types";
import { grouped } from "../format/number";
import { BalanceBar } from "./BalanceBar";

export interface LensPart {
  label: string;
  rows: number;
  to: string;
}

const SHOWN = 4;

/** The largest few by name, the rest as one. */
export function lensParts(parts: readonly LensPart[], others: string): LensPart[] {
  const ordered = [...parts].sort((one, other) => other.rows - one.rows);
  if (ordered.length <= SHOWN + 1) return ordered;
  const rest = ordered.slice(SHOWN).reduce((sum, part) => sum + part.rows, 0);
  return [...ordered.slice(0, SHOWN), { label: "others", rows: rest, to: others }];
}

interface BalanceScaleProps {
  counts: Counts;
  snapshotRows: number;
  reasons: readonly LensPart[];
  /** Where all the reasons are. */
  quarantine: string;
}

/** Two bars of one length, the snapshot and what is explained; below, the quarantined end magnified by reason. */
export function BalanceScale({ counts, snapshotRows, reasons, quarantine }: BalanceScaleProps) {
  const parts = lensParts(reasons, quarantine);
  const times = counts.quarantined > 0 ? Math.floor(snapshotRows / counts.quarantined) : 0;
  return (
    <div
      className="scale"
      role="group"
      aria-label="Two bars of the same length: the legacy snapshot, and the rows explained by outcome."
    >
      <span className="xs soft">in the snapshot</span>
      <div className="b src" />
      <span className="xs soft">explained</span>
      <div className="b">
        <BalanceBar counts={counts} total={snapshotRows} size="tall" label="Rows explained" />
      </div>
      {parts.length > 0 && (
        <>
          <span />
          <svg className="fan" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <path d="M99.7 0 L0 10 H100 V0z" />
          </svg>
          <span className="xs soft">
            <b className="quarantined c-ink">{grouped(counts.quarantined)}</b> by reason
            {times > 1 && <span className="wide-only">, magnified {grouped(times)} times</span>}
          </span>
          <div className="lens">
            {parts.map((part) => (
              <Link key={part.label} to={part.to} style={{ flex: part.rows }}>
                <b>{grouped(part.rows)}</b>
                <span>{part.label}</span>
              </Link>
            ))}
          </div>
        </>
      )}
    </div>
  );
}
