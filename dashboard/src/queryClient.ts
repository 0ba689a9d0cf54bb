import { QueryClient } from "@tanstack/react-query";
import { ApiProblem } from "./api/ApiProblem";

const TRIES = 3;
const FRESH_MS = 2000;

/** Answers live in memory only. What the gateway refused is not asked again; what did not answer is, a few times. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        refetchOnWindowFocus: false,
        retry: (count, error) => {
          const { status } = ApiProblem.of(error);
          return (status === 0 || status >= 500) && count < TRIES;
        },
      },
      mutations: { retry: false },
    },
  });
}
