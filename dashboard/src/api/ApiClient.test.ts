import { expect, test, vi } from "vitest";
import { gateway } from "../../tests/page";
import { status } from "../../tests/fixtures";
import { ApiClient } from "./ApiClient";
import { ApiProblem } from "./ApiProblem";

test("a refusal keeps its code, its remedy and its request", async () => {
  gateway({ "POST /api/migrations/start": { refused: 409, code: "already_active", detail: "A run is active.", remedy: "Wait for it." } });
  const error = await new ApiClient().startMigration("m1").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiProblem);
  expect(error).toMatchObject({ status: 409, code: "already_active", remedy: "Wait for it.", requestId: "7f3a19c2-0000" });
});

test("a start names its key, so that a second press starts nothing twice", async () => {
  const { asked } = gateway({ "POST /api/migrations/start": {} });
  await new ApiClient().startMigration("m1", { validateOnly: true }, "one-key");
  expect(asked[0]?.headers.get("Idempotency-Key")).toBe("one-key");
  expect(asked[0]?.body).toEqual({ migrationId: "m1", options: { validateOnly: true } });
});

test("empty filters are not sent, and ids cannot leave their place in the path", async () => {
  const { asked } = gateway({ "GET /api/migrations": {}, "GET /api/runs/..%2Fusers": {} });
  const client = new ApiClient();
  await client.getMigrations({ status: "", search: "a b", cursor: undefined });
  await client.getRun("../users");
  expect(asked.map(({ url }) => url)).toEqual(["/api/migrations?search=a+b", "/api/runs/..%2Fusers"]);
});

test("a refused token is renewed once and the call repeated", async () => {
  let calls = 0;
  gateway({ "GET /api/migrations/m1/status": () => (++calls === 1 ? { refused: 401, code: "token_refused", detail: "" } : status()) });
  const client = new ApiClient();
  const renew = vi.fn(() => Promise.resolve(true));
  client.authenticate({ token: () => "t", renew });
  await expect(client.getMigrationStatus("m1")).resolves.toMatchObject({ migration: "Patient portal" });
  expect(renew).toHaveBeenCalledOnce();
});

test("health is told even when it is bad", async () => {
  vi.stubGlobal("fetch", () =>
    Promise.resolve(new Response(JSON.stringify({ status: "unhealthy", timestamp: "", services: { redis: "disconnected" } }), { status: 503 })),
  );
  await expect(new ApiClient().getHealth()).resolves.toMatchObject({ status: "unhealthy" });
});

test("a gateway that does not answer is a problem with what is safe meanwhile", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed")));
  await expect(new ApiClient().getMetrics()).rejects.toMatchObject({ status: 0, code: "unreachable" });
});
