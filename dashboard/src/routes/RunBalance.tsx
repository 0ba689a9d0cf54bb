import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "react-router";
import { reportQuery } from "../api/queries";
import type { Balance, RunStatus } from "../api/types";
import { BalanceEquation } from "../components/BalanceEquation";
import { BalanceScale } from "../components/BalanceScale";
import { Card } from "../components/Card";
import { DurationBars } from "../components/DurationBars";
import { Icon } from "../components/Icon";
import { mappingName, MappingTable } from "../components/MappingTable";
import { MoneyList } from "../components/MoneyList";
import { OutcomeMark } from "../components/OutcomeMark";
import { ProofList } from "../components/ProofList";
import { Verdict } from "../components/Verdict";
import { WarningList } from "../components/WarningList";
import { counted, grouped } from "../format/number";
import { useAddress } from "../shell/useAddress";
import { FATES } from "../words/fates";
import { spoken } from "../words/identifiers";
import { writes } from "../words/kinds";
import { FATES_IN_ORDER, fatesOf, waitingOf } from "../words/resolved";

/** A complete run: the balance, how it is known, what waits for a person, where the time went. */
export function RunBalance({ runId, status }: { runId: string; status: RunStatus }) {
  const { balance } = status;
  if (balance?.unaccounted !== 0) return <Unbalanced runId={runId} status={status} />;
  return (
    <>
      <BalanceCard runId={runId} status={status} balance={balance} />
      <div className="cols lower grid gap-5 items-start lg:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)]">
        <Proofs runId={runId} />
        <div className="stack gap-5">
          <Waiting runId={runId} status={status} />
          <WarningList notices={status.notices} warnings={status.warnings} report={`/runs/${runId}/report`} />
          <MoneyList sums={status.sums} />
          <Card title="Where the time went">
            <DurationBars phases={status.phases} />
          </Card>
        </div>
      </div>
      <ByMapping runId={runId} status={status} balance={balance} />
    </>
  );
}

function Unbalanced({ runId, status }: { runId: string; status: RunStatus }) {
  return (
    <>
      <Verdict verdict={status.verdict} icon="scale" />
      <WarningList notices={status.notices} warnings={status.warnings} report={`/runs/${runId}/report`} />
      {status.balance && <ByMapping runId={runId} status={status} balance={status.balance} />}
    </>
  );
}

function BalanceCard({ runId, status, balance }: { runId: string; status: RunStatus; balance: Balance }) {
  const excluded = balance.mappings.reduce((sum, account) => sum + (account.excluded ?? 0), 0);
  const reasons = status.quarantine.map((reason) => ({
    label: [spoken(reason.code), reason.mapping].join(", "),
    rows: reason.rows,
    to: `/runs/${runId}/quarantine?reason=${encodeURIComponent(reason.code)}&mapping=${encodeURIComponent(reason.mapping)}`,
  }));
  return (
    <section className="card balance" aria-labelledby="balance-title">
      <div className="bal-head">
        <span className={balance.counts.different > 0 ? "seal failed" : "seal"}>
          <Icon name={balance.counts.different > 0 ? "fail" : "check"} />
        </span>
        <div>
          <h2 id="balance-title">{status.verdict.headline.replace(/\.$/, "")}</h2>
          <p className="soft sm">
            {counted(balance.inSnapshot, "row")} were counted in the legacy snapshot. {grouped(balance.counts.read)} are explained, counted inside
            the transactions that wrote them.
            {excluded > 0 && ` ${counted(excluded, "more row")} of driving tables were excluded by the plan’s joins.`}
          </p>
        </div>
      </div>
      <BalanceEquation counts={balance.counts} unaccounted={balance.unaccounted ?? 0} />
      <BalanceScale counts={balance.counts} snapshotRows={balance.inSnapshot} reasons={reasons} quarantine={`/runs/${runId}/quarantine`} />
    </section>
  );
}

function Proofs({ runId }: { runId: string }) {
  const { data } = useQuery(reportQuery(runId));
  return (
    <Card title="How we know" aside={data && <span className="xs muted">{counted(data.evidence.length, "check")}</span>}>
      {data ? <ProofList evidence={data.evidence} /> : <p className="body sm muted">The report tells how each figure is known.</p>}
    </Card>
  );
}

function Waiting({ runId, status }: { runId: string; status: RunStatus }) {
  const waiting = waitingOf(status);
  const fates = fatesOf(status.resolved);
  const decided = FATES_IN_ORDER.filter((fate) => fate !== "waiting" && fates[fate] > 0).map((fate) => `${grouped(fates[fate])} ${FATES[fate].word}`);
  return (
    <Card title="Waiting for a person">
      <div className="body stack tight sm">
        {waiting > 0 ? (
          <div className="row between">
            <OutcomeMark outcome="quarantined">{counted(waiting, "row")} in quarantine</OutcomeMark>
            <Link className="link" to={`/runs/${runId}/quarantine`}>
              Decide
            </Link>
          </div>
        ) : (
          <span className="okk">
            <Icon name="check" small />
            {!writes(status) ? "Nothing of this run waits" : status.counts.quarantined > 0 ? "Every refused row is decided" : "Quarantine is empty"}
          </span>
        )}
        {writes(status) && decided.length > 0 && <p className="xs muted">Since the run: {decided.join(", ")}.</p>}
        {status.broughtIn.length > 0 && (
          <div className="row between">
            <span>{counted(status.broughtIn.length, "column")} with values that are not from the source</span>
            <Link className="link" to={`/runs/${runId}/report`}>
              Read
            </Link>
          </div>
        )}
      </div>
    </Card>
  );
}

function ByMapping({ runId, status, balance }: { runId: string; status: RunStatus; balance: Balance }) {
  const address = useAddress();
  const unaccounted = useMemo(
    () => new Map(balance.mappings.map((account) => [mappingName(account), account.unaccounted])),
    [balance.mappings],
  );
  return (
    <Card title="Balance by mapping">
      <MappingTable
        mappings={status.mappings}
        unaccounted={unaccounted}
        sort={address.get("sort")}
        onSort={(sort) => address.set({ sort })}
        quarantine={(mapping) => `/runs/${runId}/quarantine?mapping=${encodeURIComponent(mapping)}`}
        still
      />
    </Card>
  );
}
