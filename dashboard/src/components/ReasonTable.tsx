import type { QuarantineGroup } from "../api/types";
import { counted, grouped } from "../format/number";
import { percentText, width } from "../format/percent";
import { spoken } from "../words/identifiers";
import { Icon } from "./Icon";

interface ReasonTableProps {
  groups: readonly QuarantineGroup[];
  /** Of the whole run. */
  total: number;
  /** Only some of the reasons are here. */
  narrowed?: boolean;
  selected: QuarantineGroup | null;
  onSelect: (group: QuarantineGroup) => void;
}

/** Why rows were refused, the most frequent reason first; never a list of rows. */
export function ReasonTable({ groups, total, narrowed = false, selected, onSelect }: ReasonTableProps) {
  const most = Math.max(0, ...groups.map((group) => group.count));
  return (
    <section className="card" aria-label="Reasons">
      <table className="table q">
        <thead>
          <tr>
            <th scope="col">Why it was refused</th>
            <th scope="col">Where</th>
            <th scope="col" className="num">
              Rows
            </th>
            <th scope="col">
              <span className="sr">Share</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={`${group.reason} ${group.mapping} ${group.column} ${group.stage ?? ""}`} data-selected={group === selected}>
              <td>
                <button type="button" className="reason" aria-pressed={group === selected} onClick={() => onSelect(group)}>
                  <Icon name="quarantine" />
                  <span>
                    <span className="medium">{group.title || spoken(group.reason || group.mapping || group.column)}</span>
                    {group.remedy && <small>{group.remedy}</small>}
                  </span>
                </button>
              </td>
              <td className="mono wh">
                {group.mapping}
                {group.column && <span className="muted">.{group.column}</span>}
              </td>
              <td className="num strong">{grouped(group.count)}</td>
              <td className="sh">
                <div className="meter thin" role="img" aria-label={`${percentText(group.count, total)} % of the quarantine`}>
                  <i className="quarantined" style={{ width: width(group.count, most) }} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{counted(groups.length, "reason")}</th>
            <td className="wh" />
            <td className="num">{narrowed ? `of ${grouped(total)}` : grouped(total)}</td>
            <td className="sh" />
          </tr>
        </tfoot>
      </table>
    </section>
  );
}
