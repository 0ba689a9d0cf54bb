import { ApiProblem } from "../api/ApiProblem";
import { Button } from "./Button";
import { EmptyState } from "./EmptyState";

/** What failed, what is safe, what to do. A refusal says which permission is missing and whom to ask. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const problem = ApiProblem.of(error);
  if (problem.status === 403)
    return (
      <EmptyState title="No permission" icon="lock">
        {problem.detail} {problem.remedy}
      </EmptyState>
    );
  if (problem.status === 404)
    return (
      <EmptyState title="Nothing is here" icon="search">
        {problem.detail} {problem.remedy}
      </EmptyState>
    );
  return (
    <EmptyState
      title={problem.detail}
      icon="fail"
      tone="failed"
      alert
      action={
        <>
          {onRetry && (
            <Button icon="replay" onClick={onRetry}>
              Try now
            </Button>
          )}
          {problem.requestId && <span className="mono xs muted">request {problem.requestId.slice(0, 8)}</span>}
        </>
      }
    >
      {problem.remedy || "Runs are not affected: they live in the ledger."}
    </EmptyState>
  );
}
