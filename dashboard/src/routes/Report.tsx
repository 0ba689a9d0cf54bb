import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { reportQuery } from "../api/queries";
import type { Report as ReportDocument } from "../api/types";
import { BalanceBar } from "../components/BalanceBar";
import { Button } from "../components/Button";
import { Icon } from "../components/Icon";
import { mappingName } from "../components/MappingTable";
import { Mark } from "../components/Mark";
import { OutcomeMark } from "../components/OutcomeMark";
import { grouped } from "../format/number";
import { percentText } from "../format/percent";
import { duration, full, when } from "../format/time";
import { useTitle } from "../shell/useTitle";
import { shortId, spoken } from "../words/identifiers";
import { isDryRun, kindWord, writes } from "../words/kinds";
import { shownOutcomes } from "../words/states";
import { BroughtIn } from "./BroughtIn";
import { Loaded } from "./Loaded";
import { Codes } from "./report/Codes";
import { Deeds } from "./report/Deeds";
import { Fates } from "./report/Fates";
import { Filters } from "./report/Filters";
import { Money } from "./report/Money";
import { Times } from "./report/Times";
import { Verified } from "./report/Verified";

/** The report of a run: one sentence, the table, the evidence, two signatures. A4, always light. */
export function Report() {
  const { id = "" } = useParams();
  const query = useQuery(reportQuery(id));
  useTitle("Report", query.data?.migration);
  return (
    <div className="report-page">
      <nav className="toolbar" aria-label="Report">
        <Link className="btn quiet icon rotate-180" to={`/runs/${id}`} aria-label="Back to the run">
          <Icon name="chev" />
        </Link>
        <span className="medium grow">Report, run {shortId(id)}</span>
        <Button look="primary" icon="print" onClick={() => window.print()}>
          Print
        </Button>
      </nav>
      <Loaded query={query} label="Loading the report">
        {(report) => <Paper report={report} />}
      </Loaded>
    </div>
  );
}

function Paper({ report }: { report: ReportDocument }) {
  return (
    <main className="paper">
      <PaperHead report={report} />
      <Sentence report={report} />
      <ByMapping report={report} />
      <Filters rows={report.filters} />
      <div className="duo keep">
        <Reasons title="In quarantine, by reason" empty="Nothing was refused." rows={report.quarantine} />
        <Reasons title="Warned about" empty="There is no warning." rows={report.warnings} />
      </div>
      {writes(report) && <Fates rows={report.resolved} />}
      {report.notices.length > 0 && <Notices report={report} />}
      <BroughtIn rows={report.broughtIn} />
      <Codes rows={report.codebooks} />
      <Money rows={report.sums} />
      <Verified verify={report.verify} />
      <HowWeKnow report={report} />
      <Times report={report} />
      <Deeds report={report} />
      <section className="sign">
        <div>Migration engineer, date</div>
        <div>Compliance officer, date</div>
      </section>
      <p className="fine">
        Run {report.runId} · plan sha256 {report.planHash} · Transfuse {report.transfuseVersion}, DuckDB {report.duckdbVersion} · this report
        holds counts and names of columns, and no patient’s data.
      </p>
    </main>
  );
}

function PaperHead({ report }: { report: ReportDocument }) {
  return (
    <header>
      <div>
        <div className="row strong mb-3 [&_svg]:w-6">
          <Mark />
          Transfuse
        </div>
        <h1>{isDryRun(report) ? "Dry run report" : "Migration report"}</h1>
        <div>
          {report.migration}, run {shortId(report.runId)}, {kindWord(report).toLowerCase()}
        </div>
        {isDryRun(report) && <p className="strong">Nothing was written: the figures tell what a real run would do.</p>}
      </div>
      <dl className="facts grid-cols-[auto_auto]">
        <dt>Written</dt>
        <dd>{full(new Date(report.writtenAt))}</dd>
        <dt>Plan</dt>
        <dd>
          {report.plan} v{report.planVersion}
        </dd>
        {report.snapshotAt !== null && (
          <>
            <dt>Snapshot</dt>
            <dd>{full(new Date(report.snapshotAt))}</dd>
          </>
        )}
        {report.durationSeconds !== null && (
          <>
            <dt>Took</dt>
            <dd>{duration(report.durationSeconds)}</dd>
          </>
        )}
      </dl>
    </header>
  );
}

function Sentence({ report }: { report: ReportDocument }) {
  const { counts, inSnapshot } = report.balance;
  const shown = shownOutcomes(counts);
  return (
    <section>
      <p className="say">{report.sentence}</p>
      <div className="mt-4">
        <BalanceBar counts={counts} total={inSnapshot} size="tall" label="Rows by outcome" />
      </div>
      <div className="legend mt-2">
        {shown.map((outcome) => (
          <OutcomeMark key={outcome} outcome={outcome}>
            {outcome} {percentText(counts[outcome], counts.read)} %
          </OutcomeMark>
        ))}
      </div>
    </section>
  );
}

function ByMapping({ report }: { report: ReportDocument }) {
  const { mappings: accounts, counts: total, unaccounted } = report.balance;
  const shown = shownOutcomes(total);
  const cell = (rows: number | null): string => (rows === null ? "unknown" : grouped(rows));
  return (
    <div className="rt-x" role="region" tabIndex={0} aria-label="Balance by mapping">
      <h2>Balance by mapping</h2>
      <table className="rt">
        <thead>
          <tr>
            <th scope="col">Mapping</th>
            <th scope="col" className="num">
              Excluded
            </th>
            <th scope="col" className="num">
              Read
            </th>
            {shown.map((outcome) => (
              <th scope="col" key={outcome} className="num">
                {spoken(outcome)}
              </th>
            ))}
            <th scope="col" className="num">
              Unaccounted
            </th>
          </tr>
        </thead>
        <tbody>
          {accounts.map((account) => (
            <tr key={mappingName(account)}>
              <td className="mono">{mappingName(account)}</td>
              <td className="num">{cell(account.excluded)}</td>
              <td className="num">{grouped(account.counts.read)}</td>
              {shown.map((outcome) => (
                <td key={outcome} className="num">
                  {grouped(account.counts[outcome])}
                </td>
              ))}
              <td className="num">{cell(account.unaccounted)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <td>{accounts.length} mappings</td>
            <td />
            <td className="num">{grouped(total.read)}</td>
            {shown.map((outcome) => (
              <td key={outcome} className="num">
                {grouped(total[outcome])}
              </td>
            ))}
            <td className="num">{cell(unaccounted)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

interface ReasonsProps {
  title: string;
  empty: string;
  rows: readonly { mapping: string; code: string; column: string; rows: number }[];
}

function Reasons({ title, empty, rows }: ReasonsProps) {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p>{empty}</p>
      ) : (
        <table className="rt">
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col" className="num">
                Rows
              </th>
            </tr>
          </thead>
          <tbody>
            {[...rows]
              .sort((one, other) => other.rows - one.rows)
              .map((reason) => (
                <tr key={`${reason.code} ${reason.mapping} ${reason.column}`}>
                  <td>
                    {spoken(reason.code)}{" "}
                    <span className="muted mono">
                      {reason.mapping}
                      {reason.column && `.${reason.column}`}
                    </span>
                  </td>
                  <td className="num">{grouped(reason.rows)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Notices({ report }: { report: ReportDocument }) {
  return (
    <section className="keep">
      <h2>To know about the run as a whole</h2>
      <ul>
        {report.notices.map((notice) => (
          <li key={`${notice.code} ${notice.table}`}>
            {notice.message || spoken(notice.code)} {notice.table && <span className="muted mono">{notice.table}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function HowWeKnow({ report }: { report: ReportDocument }) {
  return (
    <section className="keep">
      <h2>How we know</h2>
      <table className="rt">
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Result</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {report.evidence.map((proof) => (
            <tr key={proof.code}>
              <td>{proof.check}</td>
              <td>{proof.state === "not_checked" ? proof.result || "Not checked" : proof.result}</td>
              <td>{proof.at === null ? "–" : when(new Date(proof.at), new Date(report.writtenAt))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
