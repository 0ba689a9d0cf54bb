import { Fragment } from "react";
import type { Counts } from "../api/types";
import { grouped } from "../format/number";
import { shownOutcomes } from "../words/states";
import { OutcomeMark } from "./OutcomeMark";
import { classes } from "./classes";

/** Read = the sum of the outcomes. `unaccounted` is written out, above all when it is 0. */
export function BalanceEquation({ counts, unaccounted }: { counts: Counts; unaccounted: number }) {
  return (
    <div className="eq" role="group" aria-label="Balance">
      <div className="term">
        <span className="v">{grouped(counts.read)}</span>
        <span className="k">read</span>
      </div>
      {shownOutcomes(counts).map((outcome, position) => (
        <Fragment key={outcome}>
          <span className="op" aria-hidden="true">
            {position === 0 ? "=" : "+"}
          </span>
          <div className={classes("term", outcome)}>
            <span className="v">{grouped(counts[outcome])}</span>
            <span className="k">
              <OutcomeMark outcome={outcome}>{outcome}</OutcomeMark>
            </span>
          </div>
        </Fragment>
      ))}
      <div className={classes("term zero", unaccounted !== 0 && "failed")}>
        <span className={classes("v", unaccounted !== 0 && "c-ink")}>{grouped(unaccounted)}</span>
        <span className="k">unaccounted</span>
      </div>
    </div>
  );
}
