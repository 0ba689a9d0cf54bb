import type { Finding, ProblemDocument } from "./types";

/** An answer other than the one asked for, as `application/problem+json` told it; never a value of a row. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly requestId: string;
  readonly errors: readonly Finding[];
  /** Seconds to wait, where the answer named them. */
  readonly retryAfter: number | null;

  constructor(document: Partial<ProblemDocument>, retryAfter: number | null = null) {
    super(document.detail ?? "The gateway did not answer");
    this.name = "ApiProblem";
    this.status = document.status ?? 0;
    this.code = document.code ?? "unreachable";
    this.detail = document.detail ?? "The gateway did not answer";
    this.remedy = document.remedy ?? "";
    this.requestId = document.requestId ?? "";
    this.errors = document.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** Whatever was thrown, as a problem that can be shown. */
  static of(error: unknown): ApiProblem {
    return error instanceof ApiProblem
      ? error
      : new ApiProblem({
          detail: "This page could not go on",
          code: "page",
          remedy: "Load it again. Runs are not affected: they live in the ledger.",
        });
  }
}
