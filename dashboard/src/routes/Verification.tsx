import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { verificationQuery } from "../api/queries";
import type { RunStatus, Verification as VerificationDocument } from "../api/types";
import { Ago } from "../components/Ago";
import { Button } from "../components/Button";
import { Card } from "../components/Card";
import { Head } from "../components/Head";
import { VerificationTable } from "../components/VerificationTable";
import { Verdict } from "../components/Verdict";
import { counted, grouped } from "../format/number";
import { percentText } from "../format/percent";
import { useMay } from "../live/SessionStore";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { shortId } from "../words/identifiers";
import { isVerifiable } from "../words/kinds";
import { isActive } from "../words/states";
import { VERIFY_OUTCOMES, verificationSentence } from "../words/verification";
import { Findings } from "./Findings";
import { Loaded } from "./Loaded";
import { RepairDialog } from "./RepairDialog";
import { RunTabs } from "./RunTabs";
import { VerifyDialog } from "./VerifyDialog";

/** Whether the rows of a run are in the target as the plan makes them of the source: one sentence, by mapping, row by row. */
export function Verification() {
  const { id = "" } = useParams();
  const { status } = useRun(id);
  const query = useQuery(verificationQuery(id));
  useTitle("Verification", status?.migration);
  useCrumbs([
    { word: "Migrations", to: "/migrations" },
    ...(status ? [{ word: status.migration, to: `/migrations/${status.id}` }] : []),
    { word: `Run ${shortId(id)}`, to: `/runs/${id}` },
    { word: "Verification" },
  ]);
  return (
    <>
      <Head
        title="Verification"
        facts={
          status && (
            <>
              <span>
                {status.migration}, run {shortId(id)}
              </span>
              {query.data && <Facts found={query.data} runId={id} />}
            </>
          )
        }
        actions={status && query.data && <Actions runId={id} status={status} found={query.data} />}
      />
      {status && <RunTabs runId={id} status={status} tab="verification" />}
      <Loaded query={query} label="Loading the verification">
        {(found) => <Result runId={id} found={found} />}
      </Loaded>
    </>
  );
}

function Facts({ found, runId }: { found: VerificationDocument; runId: string }) {
  const by = found.runId !== runId ? found.runId : null;
  return (
    <>
      {by !== null && (
        <span>
          verified by{" "}
          <Link className="link" to={`/runs/${by}`}>
            run {shortId(by)}
          </Link>
        </span>
      )}
      {found.about !== runId && (
        <span>
          of{" "}
          <Link className="link" to={`/runs/${found.about}`}>
            run {shortId(found.about)}
          </Link>
        </span>
      )}
      {found.sample !== null && <span>a sample of {percentText(found.sample * 1e6, 1e6)} %</span>}
      {found.finishedAt !== null && (
        <span>
          <Ago at={found.finishedAt} />
        </span>
      )}
    </>
  );
}

function Actions({ runId, status, found }: { runId: string; status: RunStatus; found: VerificationDocument }) {
  const address = useAddress();
  const [mayVerify, mayRepair] = [useMay("migration:start"), useMay("migration:replay")];
  const asked = address.get("ask");
  const close = (): void => address.set({ ask: "" });
  const over = !isActive(found.state);
  const whole = status.phase === "completed" || status.error?.code === "verify_different";
  const canVerify = mayVerify && over && whole && (status.kind === "verify" || isVerifiable(status));
  const canRepair = mayRepair && over && found.repairable > 0;
  return (
    <>
      {canVerify && (
        <Button icon="scale" onClick={() => address.set({ ask: "verify" }, true)}>
          {found.outcome === "not_checked" ? "Verify…" : "Verify again…"}
        </Button>
      )}
      {canRepair && (
        <Button icon="replay" look="primary" onClick={() => address.set({ ask: "repair" }, true)}>
          Repair {counted(found.repairable, "row")}…
        </Button>
      )}
      {canVerify && <VerifyDialog runId={found.about} open={asked === "verify"} onClose={close} />}
      {canRepair && <RepairDialog runId={runId} found={found} open={asked === "repair"} onClose={close} />}
    </>
  );
}

function Result({ runId, found }: { runId: string; found: VerificationDocument }) {
  const { tone, icon } = VERIFY_OUTCOMES[found.outcome];
  const { headline, detail } = verificationSentence(found);
  const moving = isActive(found.state) && found.outcome !== "different";
  const changed = found.mappings.reduce((sum, mapping) => sum + mapping.changedSince, 0);
  return (
    <div className="stack gap-5">
      <Verdict verdict={{ ground: moving ? "planning" : tone, headline, detail }} icon={moving ? "scale" : icon} />
      {found.mappings.length > 0 && (
        <Card title="By mapping">
          <VerificationTable mappings={found.mappings} />
        </Card>
      )}
      <Columns found={found} />
      {found.differences + changed > 0 && <Findings runId={runId} found={found} />}
    </div>
  );
}

/** Where rows differ, column by column. */
function Columns({ found }: { found: VerificationDocument }) {
  const columns = found.mappings.flatMap(({ mapping, columns: of }) => of.map(({ column, rowCount }) => ({ mapping, column, rows: rowCount })));
  if (columns.length === 0) return null;
  return (
    <Card title="Columns that differ" aside={<span className="xs muted">{counted(columns.length, "column")}</span>}>
      <ul className="checks failed">
        {[...columns]
          .sort((one, other) => other.rows - one.rows)
          .map(({ mapping, column, rows }) => (
            <li key={`${mapping}.${column}`} className="grid-cols-[minmax(0,1fr)_auto]">
              <span className="mono">
                {mapping}
                <span className="muted">.{column}</span>
              </span>
              <span className="num">{grouped(rows)}</span>
            </li>
          ))}
      </ul>
    </Card>
  );
}
