import { useEffect, type ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { Skeleton } from "../components/Skeleton";
import { useSession } from "../live/SessionStore";

/** Pages behind it need somebody signed in. A cookie of before is tried once; else the sign-in page, which leads back. */
export function RequireSession({ children }: { children: ReactNode }) {
  const status = useSession((session) => session.status);
  const renew = useSession((session) => session.renew);
  const { pathname, search } = useLocation();
  useEffect(() => {
    if (status === "unknown") void renew();
  }, [status, renew]);
  if (status === "unknown") return <Skeleton label="Looking for your session" />;
  if (status === "out") return <Navigate to={`/sign-in?next=${encodeURIComponent(pathname + search)}`} replace />;
  return children;
}

/** An address of ours, and nothing else, to go to after signing in. */
export function safeNext(next: string): string {
  return /^\/(?![/\\])/.test(next) ? next : "/migrations";
}
