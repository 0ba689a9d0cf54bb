import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../components/Problem";
import { Skeleton } from "../components/Skeleton";

interface LoadedProps<T> {
  query: Pick<UseQueryResult<T>, "data" | "error" | "isPending" | "refetch">;
  label: string;
  children: (data: T) => ReactNode;
}

/** What a query gives, or its skeleton, or its problem. What was read before stays when reading again fails. */
export function Loaded<T>({ query, label, children }: LoadedProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="card">
      <Skeleton label={label} />
    </div>
  );
}
