import { useQuery } from "@tanstack/react-query";
import { runQuery, verificationQuery } from "../api/queries";
import type { RunStatus } from "../api/types";
import { Ago } from "../components/Ago";
import { ButtonLink } from "../components/Button";
import { Icon } from "../components/Icon";
import { Verdict } from "../components/Verdict";
import { isDryRun } from "../words/kinds";
import { isActive } from "../words/states";
import { VERIFY_OUTCOMES, verificationSentence } from "../words/verification";

/** What changes how every figure of the page is read: that nothing is written, or that it was all taken back. */
export function RunNotes({ runId, status }: { runId: string; status: RunStatus }) {
  const { data: run } = useQuery(runQuery(runId));
  return (
    <>
      {isDryRun(status) && <DryRun runId={runId} status={status} />}
      {status.kind === "verify" && <Verified runId={runId} />}
      {run?.undoneAt && (
        <div className="verdict rolled-back">
          <Icon name="undo" />
          <span className="grow">
            <b>This run was undone</b> <Ago at={run.undoneAt} />. The figures tell what it did; its rows are as they were before it.
          </span>
        </div>
      )}
    </>
  );
}

/** What a verify came to stands above its balance: that every row was compared does not say that it was equal. */
function Verified({ runId }: { runId: string }) {
  const { data: found } = useQuery(verificationQuery(runId));
  if (!found) return null;
  const moving = isActive(found.state);
  const { tone, icon } = VERIFY_OUTCOMES[found.outcome];
  return (
    <Verdict verdict={{ ground: moving ? "planning" : tone, ...verificationSentence(found) }} icon={moving ? "scale" : icon}>
      <ButtonLink to={`/runs/${runId}/verification`}>See what was found</ButtonLink>
    </Verdict>
  );
}

function DryRun({ runId, status }: { runId: string; status: RunStatus }) {
  return (
    <div className="verdict planning">
      <Icon name="eye" />
      <span className="grow">
        {isActive(status.phase) ? (
          <>
            <b>Dry run: nothing is written to the target.</b> Rows go into tables of their own, which are dropped at the end.
          </>
        ) : (
          <>
            <b>Dry run: nothing was written.</b> The figures tell what a real run would do.
          </>
        )}
      </span>
      {status.phase === "completed" && <ButtonLink to={`/runs/${runId}/validation`}>See the validation</ButtonLink>}
    </div>
  );
}
