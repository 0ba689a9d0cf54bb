import type { Report } from "../../api/types";
import { grouped } from "../../format/number";
import { percentText } from "../../format/percent";
import { full } from "../../format/time";
import { shortId } from "../../words/identifiers";
import { VERIFY_OUTCOMES } from "../../words/verification";

/** What the youngest verify came to. Without one it says so: that is no pass. */
export function Verified({ verify }: { verify: Report["verify"] }) {
  return (
    <section className="keep">
      <h2>Verified against the source</h2>
      {verify === null ? (
        <p>
          <b>Not checked.</b> No verify compared these rows with the source again.
        </p>
      ) : (
        <>
          <p>
            <b>{VERIFY_OUTCOMES[verify.outcome].word.replace(/^./, (first) => first.toUpperCase())}.</b>{" "}
            {verify.sample !== null && `A sample of ${percentText(verify.sample * 1e6, 1e6)} % was compared; the rest was not checked. `}
            {verify.couldNotVerify > 0 && `${grouped(verify.couldNotVerify)} could not be verified, which is no pass. `}
            {verify.extra === null && "Rows that no legacy row explains were not looked for."}
          </p>
          <div className="rt-x" role="region" tabIndex={0} aria-label="Verified">
            <table className="rt">
              <thead>
                <tr>
                  {["Checked", "Equal", "Different", "Missing", "Unexpected", "Extra", "Changed since"].map((word) => (
                    <th key={word} scope="col" className="num">
                      {word}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                <tr>
                  {[verify.checked, verify.equal, verify.different, verify.missing, verify.unexpected, verify.extra, verify.changedSince].map((value, position) => (
                    <td key={position} className="num">
                      {value === null ? "–" : grouped(value)}
                    </td>
                  ))}
                </tr>
              </tbody>
            </table>
          </div>
          <p className="muted">
            By run {shortId(verify.runId)}
            {verify.comparedWith !== null && `, with the source of ${full(new Date(verify.comparedWith))}`}.
          </p>
        </>
      )}
    </section>
  );
}
