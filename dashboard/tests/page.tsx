import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { makeQueryClient } from "../src/queryClient";
import { ROUTES } from "../src/routes/routes";
import { vi } from "vitest";
import type { ReactElement } from "react";
import { MemoryRouter } from "react-router";
import { useSession } from "../src/live/SessionStore";
import { me } from "./fixtures";

/** By "METHOD /path": the document, null for none, a refusal, or a function of the body that gives one of them. */
type Answers = Record<string, unknown>;

export interface Refusal {
  refused: number;
  code: string;
  detail: string;
  remedy?: string;
}

/** Stands for the gateway: answers by "METHOD /path", and remembers what it was asked. */
export function gateway(answers: Answers): { asked: { method: string; url: string; body: unknown; headers: Headers }[] } {
  const asked: { method: string; url: string; body: unknown; headers: Headers }[] = [];
  vi.stubGlobal("fetch", (input: string, init: RequestInit = {}) => {
    const method = init.method ?? "GET";
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    asked.push({ method, url: input, body, headers: new Headers(init.headers) });
    const known = answers[`${method} ${input}`] ?? answers[`${method} ${input.split("?")[0] ?? ""}`];
    const answer: unknown = typeof known === "function" ? (known as (body: unknown) => unknown)(body) : known;
    return Promise.resolve(responseOf(answer));
  });
  return { asked };
}

function responseOf(answer: unknown): Response {
  if (answer === undefined) return problem({ refused: 404, code: "not_found", detail: "There is nothing at this address." });
  if (answer === null) return new Response(null, { status: 204 });
  if (typeof answer === "object" && "refused" in answer) return problem(answer as Refusal);
  return new Response(JSON.stringify(answer), { status: 200, headers: { "Content-Type": "application/json" } });
}

function problem({ refused, code, detail, remedy = "" }: Refusal): Response {
  const document = { type: "about:blank", title: "", status: refused, detail, code, remedy, requestId: "7f3a19c2-0000", errors: [] };
  return new Response(JSON.stringify(document), { status: refused, headers: { "Content-Type": "application/problem+json" } });
}

/** Opens an address of the dashboard as somebody who is signed in, or as nobody. */
export function open(address: string, role: "admin" | "migration_manager" | "viewer" | null = "migration_manager") {
  useSession.setState(role === null ? { status: "out", me: null } : { status: "in", me: me(role) });
  const router = createMemoryRouter(ROUTES, { initialEntries: [address] });
  const client = makeQueryClient();
  client.setDefaultOptions({ queries: { ...client.getDefaultOptions().queries, retry: false } });
  const view = render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} useTransitions={false} />
    </QueryClientProvider>,
  );
  return { ...view, router };
}

/** A component that holds links. */
export function drawn(element: ReactElement, address = "/") {
  return render(<MemoryRouter initialEntries={[address]}>{element}</MemoryRouter>);
}
