import { act, screen, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { health, metrics, queue, service } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";

const heard = vi.hoisted(() => new Map<string, (body: unknown) => void>());
vi.mock("socket.io-client", () => ({
  io: () => ({
    on: (event: string, listener: (body: unknown) => void) => heard.set(event, listener),
    emit: vi.fn(),
    connect: vi.fn(),
    disconnect: vi.fn(),
    connected: false,
    active: true,
  }),
}));

const CONFIG = { "GET /api/config": { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null } };

afterEach(() => {
  vi.useRealTimers();
});

function row(table: string, name: string): HTMLElement {
  const found = within(screen.getByRole("region", { name: table })).getByText(name).closest("tr");
  if (!found) throw new Error(`${table} has no row of ${name}.`);
  return found;
}

test("every service tells how many live, their version, their workers and their memory", async () => {
  const processes = [
    service("transformer", { instances: 2, version: "0.1.0, 0.2.0", workers: 4, busyShare: 0.678, memoryBytes: 419_430_400, cpuShare: 1.5 }),
    service("loader", { state: "degraded", unreachable: ["target"] }),
    service("notifier", { state: "down", instances: 0, version: "", memoryBytes: 0, cpuShare: null }),
  ];
  gateway({ ...CONFIG, "GET /api/health": health(), "GET /api/metrics": metrics({ processes }) });
  open("/system");
  await screen.findByRole("region", { name: "Table of services" });
  expect(row("Table of services", "transformer")).toHaveTextContent("Healthy20.1.0, 0.2.0467 % busy400 MiB1.50 cores");
  expect(row("Table of services", "loader")).toHaveTextContent("does not reach target");
  expect(row("Table of services", "loader")).toHaveTextContent("Cut off");
  expect(row("Table of services", "notifier")).toHaveTextContent("Not heard of0–––");
});

test("every queue tells what waits, and a depth that nobody knows is unknown, not 0", async () => {
  const queues = [queue("extract", { depth: 12_345, inFlight: 40, consumers: 3 }), queue("load", { depth: null, consumers: 0, busyShare: null })];
  gateway({ ...CONFIG, "GET /api/health": health(), "GET /api/metrics": metrics({ queues }) });
  open("/system");
  await screen.findByRole("region", { name: "Table of queues" });
  expect(row("Table of queues", "extract")).toHaveTextContent("50 %12,345403");
  expect(row("Table of queues", "load")).toHaveTextContent("–unknown0none");
  expect(screen.getByText("Everything answers.")).toBeInTheDocument();
});

test("what does not answer comes first, then a queue that nobody takes from", async () => {
  const queues = [queue("transform", { depth: 64, consumers: 0 })];
  gateway({ ...CONFIG, "GET /api/health": health(), "GET /api/metrics": metrics({ queues }) });
  const { unmount } = open("/system");
  expect(await screen.findByText("Nobody takes from transform.")).toBeInTheDocument();
  unmount();
  gateway({ ...CONFIG, "GET /api/health": health(["rabbitmq"]), "GET /api/metrics": metrics({ queues }) });
  open("/system");
  expect(await screen.findByRole("alert")).toHaveTextContent("RabbitMQ does not answer.");
  expect(screen.getByText("gateway up 1 h 35 min")).toBeInTheDocument();
});

test("where everything answers, what limits the pace comes first", async () => {
  const processes = [service("transformer", { workers: 4, busyShare: 0.67 }), service("loader", { workers: 2, busyShare: 0.98 })];
  gateway({ ...CONFIG, "GET /api/health": health(), "GET /api/metrics": metrics({ processes }) });
  open("/system");
  expect(await screen.findByText("Loader sets the pace.")).toBeInTheDocument();
  expect(screen.getByText(/Its workers are 98 % busy\. That is no fault/)).toBeInTheDocument();
});

test("figures that could not be had are a problem beside what is known", async () => {
  gateway({ ...CONFIG, "GET /api/health": health(), "GET /api/metrics": { refused: 503, code: "unavailable", detail: "The ledger does not answer." } });
  open("/system");
  expect(await screen.findByText("Legacy database")).toBeInTheDocument();
  expect(await screen.findByText(/The ledger does not answer/)).toBeInTheDocument();
});

test("the socket moves figures and state, but the uptime stays the gateway's", async () => {
  gateway({ ...CONFIG, "GET /api/health": health(), "GET /api/metrics": metrics() });
  open("/system");
  await screen.findByText("Everything answers.");
  await vi.waitFor(() => expect(heard.has("system:metrics")).toBe(true));
  act(() => heard.get("system:metrics")?.({ ...metrics({ activeJobs: 9, uptime: 12 }), ...health(["redis"]) }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Redis does not answer.");
  expect(screen.getByText("Unhealthy")).toBeInTheDocument();
  expect(within(screen.getByRole("region", { name: "Now" })).getByText("9")).toBeInTheDocument();
  expect(screen.getByText("gateway up 1 h 35 min")).toBeInTheDocument();
});

test("figures that nobody renews turn grey and keep their time", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  let answers = true;
  const whileItAnswers = (body: unknown) => () => (answers ? body : { refused: 502, code: "unreachable", detail: "" });
  gateway({ ...CONFIG, "GET /api/health": whileItAnswers(health()), "GET /api/metrics": whileItAnswers(metrics()) });
  const { container } = open("/system");
  await screen.findByText("Everything answers.");
  expect(container.querySelector(".stale")).toBeNull();
  answers = false;
  await act(() => vi.advanceTimersByTimeAsync(21_000));
  expect(screen.getByText("Nobody tells how the system is.")).toBeInTheDocument();
  expect(screen.getByText(/^as of/)).toHaveTextContent(/as of \d+ s ago/);
  expect(container.querySelector(".stale")).toContainElement(screen.getByRole("region", { name: "Table of queues" }));
  answers = true;
  await act(() => vi.advanceTimersByTimeAsync(6000));
  expect(await screen.findByText("Everything answers.")).toBeInTheDocument();
});
