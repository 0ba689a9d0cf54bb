import { Link } from "react-router";
import type { Plan, PlanContent } from "../api/types";
import { Ago } from "../components/Ago";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { grouped } from "../format/number";

/** All versions of a plan, the newest first. */
export function PlanVersions({ plan }: { plan: Plan }) {
  return (
    <Card title="Versions">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Saved</th>
            <th scope="col">Hash</th>
          </tr>
        </thead>
        <tbody>
          {plan.versions.map((version) => (
            <tr key={version.version} data-selected={version.version === plan.version}>
              <th scope="row">
                <Link className="medium" to={`/plans/${plan.name}?version=${version.version}`}>
                  v{version.version}
                </Link>
              </th>
              <td className="soft">
                <Ago at={version.createdAt} />
              </td>
              <td className="mono soft">{version.hash.slice(0, 16)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

/** The codebooks of a plan. */
export function PlanBooks({ content }: { content: PlanContent }) {
  if (content.codebooks.length === 0)
    return (
      <Card title="Codebooks">
        <EmptyState title="No codebook">This plan maps no codes to meanings.</EmptyState>
      </Card>
    );
  return (
    <Card title="Codebooks">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Codebook</th>
            <th scope="col" className="num">
              Codes
            </th>
            <th scope="col">An unknown code</th>
          </tr>
        </thead>
        <tbody>
          {content.codebooks.map((book) => (
            <tr key={book.name}>
              <th scope="row" className="mono">
                {book.name}
              </th>
              <td className="num">{grouped(book.codeCount)}</td>
              <td className="soft">{book.otherwise === null ? "its row is quarantined" : `becomes “${book.otherwise}”`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

/** Legacy tables that the plan leaves out, each with its reason. */
export function PlanUnmapped({ content }: { content: PlanContent }) {
  const tables = Object.entries(content.unmapped);
  if (tables.length === 0)
    return (
      <Card title="Unmapped">
        <EmptyState title="Nothing is left out">The plan names no legacy table as unmapped.</EmptyState>
      </Card>
    );
  return (
    <Card title="Unmapped">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Legacy table</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {tables.map(([table, why]) => (
            <tr key={table}>
              <th scope="row" className="mono">
                {table}
              </th>
              <td className="soft">{why}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
