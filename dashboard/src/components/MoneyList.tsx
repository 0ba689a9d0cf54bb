import { counted } from "../format/number";
import { spoken } from "../words/identifiers";
import { SUM_STATES, sumText, type Sum } from "../words/sums";
import { Card } from "./Card";
import { Icon } from "./Icon";

/** Sums that the plan has proven: of the source, over what was sent, to the target. Nothing where it names none. */
export function MoneyList({ sums }: { sums: readonly Sum[] }) {
  if (sums.length === 0) return null;
  const agree = sums.filter(({ state }) => state === "agrees").length;
  return (
    <Card title="Money" aside={<span className="xs muted">{agree} of {counted(sums.length, "column")} to the cent</span>}>
      <ul className="checks">
        {sums.map((sum) => {
          const { tone, icon, word } = SUM_STATES[sum.state];
          return (
            <li key={`${sum.mapping}.${sum.column}`} className={tone}>
              <Icon name={icon} small />
              <div>
                <b className="mono">
                  {sum.mapping}.{sum.column}
                </b>
                <span className="soft">
                  {sum.state === "differs" ? `source ${sumText(sum.source, sum.withheld)}, loaded ${sumText(sum.loaded, sum.withheld)}` : sum.reason && spoken(sum.reason)}
                </span>
              </div>
              <span className="num">
                {sumText(sum.target, sum.withheld)}
                <small className="block xs c-ink">{word}</small>
              </span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
