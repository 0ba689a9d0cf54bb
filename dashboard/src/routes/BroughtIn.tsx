import type { Report } from "../api/types";
import { grouped } from "../format/number";

const KINDS: Record<Report["broughtIn"][number]["kind"], string> = {
  invented: "invented by the plan",
  otherwise: "a code book’s value for other codes",
  default: "the target’s default",
  placeholder: "a placeholder for a parent that is missing",
};

/** What the target holds that no legacy row said: counted, column by column. */
export function BroughtIn({ rows }: { rows: Report["broughtIn"] }) {
  return (
    <section>
      <h2>Not from the source</h2>
      {rows.length === 0 ? (
        <p>Every value comes from the source.</p>
      ) : (
        <table className="rt">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">What it holds</th>
              <th scope="col" className="num">
                Rows
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ mapping, column, kind, rows: count }) => (
              <tr key={`${mapping} ${column} ${kind}`}>
                <td className="mono">
                  {mapping}.{column}
                </td>
                <td>{KINDS[kind]}</td>
                <td className="num">{grouped(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
