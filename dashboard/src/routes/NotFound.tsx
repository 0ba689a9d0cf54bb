import { isRouteErrorResponse, Link, useRouteError } from "react-router";
import { EmptyState } from "../components/EmptyState";
import { useTitle } from "../shell/useTitle";

/** An address that leads nowhere. */
export function NotFound() {
  useTitle("Not found");
  return (
    <EmptyState title="Nothing is at this address" page icon="search" action={<Link className="btn" to="/migrations">All migrations</Link>}>
      It may have been deleted, or the address has a mistake.
    </EmptyState>
  );
}

/** A page that could not go on. What it was about is not told: it could be a value. */
export function Broken() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;
  return (
    <main className="page">
      <EmptyState
        title="This page could not go on"
        page
        icon="fail"
        tone="failed"
        alert
        action={
          <a className="btn" href={window.location.pathname}>
            Load it again
          </a>
        }
      >
        Runs are not affected: they live in the ledger.
      </EmptyState>
    </main>
  );
}
