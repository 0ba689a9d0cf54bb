import { useMutation, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { api } from "../api/client";
import { preflightQuery } from "../api/queries";
import type { Migration, Preflight } from "../api/types";
import { Ago } from "../components/Ago";
import { Button } from "../components/Button";
import { CheckList, Fix } from "../components/CheckList";
import { Problem } from "../components/Problem";
import { Skeleton } from "../components/Skeleton";
import { Verdict } from "../components/Verdict";

interface PreflightStepProps {
  migration: Migration;
  query: UseQueryResult<Preflight | null>;
  onNext: () => void;
}

/** The result of the preflight: what failed with its fix, the rest folded. One that is missing or of an older plan is asked for. */
export function PreflightStep({ migration, query, onNext }: PreflightStepProps) {
  const client = useQueryClient();
  const request = useMutation({
    mutationFn: () => api.requestPreflight(migration.id),
    onSuccess: (preflight) => client.setQueryData(preflightQuery(migration.id).queryKey, preflight),
  });
  const { mutate } = request;
  const missing = !query.isFetching && query.data?.planVersion !== migration.planVersion;
  const asked = useRef(false);
  useEffect(() => {
    if (!missing || asked.current) return;
    asked.current = true;
    mutate();
  }, [missing, mutate]);
  const error = query.error ?? request.error;
  const preflight = query.data;
  const busy = request.isPending || preflight?.state === "pending" || preflight?.state === "running";
  const good = preflight?.state === "done" && preflight.planVersion === migration.planVersion;
  return (
    <>
      {error ? (
        <Problem error={error} onRetry={() => mutate()} />
      ) : busy || !preflight ? (
        <section className="card" aria-label="Checks">
          <div className="gh" role="status">
            <span>The two databases and the plan are checked</span>
          </div>
          <Skeleton label="Checking" rows={8} />
        </section>
      ) : (
        <Result preflight={preflight} onAgain={() => mutate()} />
      )}
      <div className="foot-bar">
        <Link className="btn" to="/new">
          Back
        </Link>
        <span className="grow" />
        <span className="xs muted" id="preflight-why">
          {good ? "" : busy ? "The checks are under way." : "Every check must pass first."}
        </span>
        <Button look="primary" disabled={!good} aria-describedby="preflight-why" onClick={onNext}>
          Options
        </Button>
      </div>
    </>
  );
}

function Result({ preflight, onAgain }: { preflight: Preflight; onAgain: () => void }) {
  const failed = preflight.checks.filter((check) => check.state === "failed");
  const [first] = failed;
  const again = (
    <div className="row wrap">
      <Button look={first ? "primary" : "plain"} icon="replay" onClick={onAgain}>
        Check again
      </Button>
      <span className="xs muted">
        {preflight.checkedAt !== null && (
          <>
            Checked <Ago at={preflight.checkedAt} />.{" "}
          </>
        )}
        No row was read or written.
      </span>
    </div>
  );
  return (
    <>
      {preflight.error && !first && preflight.findings.length === 0 && (
        <Verdict verdict={{ ground: "failed", headline: preflight.error.message, detail: preflight.error.remedy }} />
      )}
      {first && <Fix check={first}>{again}</Fix>}
      {failed.slice(1).map((check) => (
        <Fix key={check.code} check={check} />
      ))}
      <Findings preflight={preflight} />
      {preflight.checks.length > 0 && <CheckList checks={preflight.checks} />}
      {!first && again}
    </>
  );
}

function Findings({ preflight }: { preflight: Preflight }) {
  if (preflight.findings.length === 0) return null;
  return (
    <section className="card" aria-label="The plan">
      <ol className="checks">
        {preflight.findings.map((finding) => (
          <li key={`${finding.file} ${finding.line} ${finding.column} ${finding.message}`} className="failed">
            <span />
            <div>
              <b>{finding.message}</b>
              <span className="soft">{finding.remedy}</span>
            </div>
            <Link className="link xs mono" to={`/plans/${preflight.plan}?version=${preflight.planVersion}&file=${encodeURIComponent(finding.file)}#${finding.file}-${finding.line}`}>
              {finding.file}:{finding.line}:{finding.column}
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}
