import type { AuditEntry } from "../api/types";
import { grouped } from "../format/number";
import { full, when } from "../format/time";
import { shortId } from "../words/identifiers";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";

const ICONS: readonly (readonly [RegExp, IconName])[] = [
  [/unmask/, "eye"],
  [/^auth/, "key"],
  [/^legacy/, "db"],
  [/^quarantine/, "quarantine"],
  [/^plan/, "plan"],
  [/cancel/, "slash"],
  [/pause/, "pause"],
  [/start|resume/, "play"],
  [/^user/, "people"],
  [/^migration/, "migrations"],
];

function tone(entry: AuditEntry): string {
  if (entry.outcome === "refused" || entry.outcome === "failed") return "failed";
  return entry.action.includes("unmask") ? "attention" : "";
}

/** The detail as words: names and counts only. */
export function detailText(detail: AuditEntry["detail"]): string {
  return Object.entries(detail)
    .filter(([name, value]) => value !== null && value !== undefined && value !== "" && !isOrdinary(name, value))
    .map(([name, value]) => `${name}: ${text(value)}`)
    .join(" · ");
}

/** An answer that went as it should is what the entry says already. */
function isOrdinary(name: string, value: unknown): boolean {
  return name === "status" && typeof value === "number" && value < 300;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(", ");
  if (typeof value === "string" && UUID.test(value)) return shortId(value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : JSON.stringify(value);
}

/** Who did what, each entry on the rail of the chain. */
export function AuditTable({ entries, now }: { entries: readonly AuditEntry[]; now: Date }) {
  return (
    <section className="card" aria-label="Entries">
      <table className="table a">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Detail</th>
            <th scope="col">Chain</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.seq} className={tone(entry)}>
              <td className="soft tm">
                <time dateTime={entry.at} title={full(new Date(entry.at))}>
                  {when(new Date(entry.at), now)}
                </time>
              </td>
              <td className="medium" title={entry.subject ?? undefined}>
                {entry.actor || "nobody signed in"}
              </td>
              <td>
                <span className="row gap-2.5">
                  <Icon name={ICONS.find(([pattern]) => pattern.test(entry.action))?.[1] ?? "audit"} />
                  <span>
                    {entry.outcome === "refused" && "was refused "}
                    {entry.outcome === "failed" && "failed at "}
                    {entry.outcome === "begun" && "began "}
                    <b className="medium">{entry.action}</b>{" "}
                    {entry.objectId && (
                      <span title={entry.objectId}>
                        {entry.objectKind} {entry.objectId.length > 24 ? shortId(entry.objectId) : entry.objectId}
                      </span>
                    )}
                  </span>
                </span>
              </td>
              <td className="soft dt">{detailText(entry.detail)}</td>
              <td className="mono muted hs">{grouped(entry.seq)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
