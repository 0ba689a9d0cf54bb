import { beforeEach, describe, expect, test, vi } from "vitest";
import { SocketService, type LiveSocket, type SocketOptions } from "./SocketService";

type Handler = (...values: unknown[]) => void;

class FakeSocket {
  connected = false;
  active = true;
  readonly emitted: unknown[][] = [];
  readonly handlers = new Map<string, Handler>();
  answer: unknown = { ok: true };
  connects = 0;

  on(event: string, handler: Handler): this {
    this.handlers.set(event, handler);
    return this;
  }
  emit(...values: unknown[]): this {
    this.emitted.push(values.slice(0, -1));
    (values.at(-1) as (answer: unknown) => void)(this.answer);
    return this;
  }
  connect(): this {
    this.connects += 1;
    return this;
  }
  disconnect(): this {
    this.connected = false;
    return this;
  }
  hears(event: string, value?: unknown): void {
    if (event === "connect") this.connected = true;
    if (event === "disconnect") this.connected = false;
    this.handlers.get(event)?.(value);
  }
}

describe("the line to the notifier", () => {
  let socket: FakeSocket;
  let service: SocketService;
  const renew = vi.fn(() => Promise.resolve(true));
  const options: SocketOptions = { url: "http://notifier", token: () => "t", renew };

  beforeEach(() => {
    renew.mockReset().mockResolvedValue(true);
    socket = new FakeSocket();
    service = new SocketService(() => socket as unknown as LiveSocket);
    service.connect(options);
  });

  test("a room asked for before the connection is entered with it", () => {
    service.subscribeMigration("m1");
    expect(socket.emitted).toEqual([]);
    socket.hears("connect");
    expect(socket.emitted).toEqual([["migration:subscribe", "m1"]]);
  });

  test("rooms are entered again after every reconnection", () => {
    socket.hears("connect");
    service.subscribeMigration("m1");
    service.subscribeMigration("m2");
    service.unsubscribeMigration("m2");
    service.subscribeSystem();
    socket.emitted.length = 0;
    socket.hears("disconnect", "transport close");
    socket.hears("connect");
    expect(socket.emitted).toEqual([["migration:subscribe", "m1"], ["system:subscribe"]]);
  });

  test("a room is left with the last part of the page that follows it", () => {
    socket.hears("connect");
    service.subscribeMigration("m1");
    service.subscribeMigration("m1");
    service.unsubscribeMigration("m1");
    expect(socket.emitted).toEqual([["migration:subscribe", "m1"]]);
    service.unsubscribeMigration("m1");
    expect(socket.emitted.at(-1)).toEqual(["migration:unsubscribe", "m1"]);
  });

  test("a refused room is told", () => {
    const problems: unknown[] = [];
    service.onError((problem) => problems.push(problem));
    socket.answer = { error: { code: "forbidden", message: "It needs migration:read." } };
    socket.hears("connect");
    service.subscribeMigration("m1");
    expect(problems).toEqual([{ kind: "refused", migrationId: "m1", runId: null, message: "It needs migration:read." }]);
  });

  test("a room that cannot be given now is asked for again, while somebody wants it", async () => {
    vi.useFakeTimers();
    socket.answer = { error: { code: "unavailable", message: "Try again." } };
    socket.hears("connect");
    service.subscribeMigration("m1");
    service.subscribeMigration("m2");
    service.subscribeSystem();
    service.unsubscribeMigration("m2");
    socket.emitted.length = 0;
    socket.answer = { ok: true };
    await vi.advanceTimersByTimeAsync(2000);
    expect(socket.emitted).toEqual([["migration:subscribe", "m1"], ["system:subscribe"]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.emitted).toHaveLength(2);
    vi.useRealTimers();
  });

  test("a room that is refused for good is not asked for again, nor one of a connection that is gone", async () => {
    vi.useFakeTimers();
    socket.answer = { error: { code: "not_found", message: "There is no such migration." } };
    socket.hears("connect");
    service.subscribeMigration("m1");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.emitted).toHaveLength(1);
    socket.answer = { error: { code: "too_many_requests", message: "Send fewer." } };
    service.subscribeMigration("m2");
    socket.answer = { ok: true };
    socket.hears("disconnect", "transport close");
    socket.hears("connect");
    socket.emitted.length = 0;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.emitted).toEqual([]);
    vi.useRealTimers();
  });

  test("a socket that the server ended comes back with a new token", async () => {
    socket.hears("connect");
    socket.hears("disconnect", "io server disconnect");
    await vi.waitFor(() => expect(socket.connects).toBe(1));
    expect(renew).toHaveBeenCalledOnce();
  });

  test("whom the notifier cannot let in comes back later each time, with the token there is", async () => {
    vi.useFakeTimers();
    socket.active = false;
    for (const [wait, connects] of [[0, 1], [499, 1], [1, 2], [1000, 3], [2000, 4]] as const) {
      if (wait !== 1) socket.hears("connect_error", Object.assign(new Error("Later."), { data: { code: "unavailable" } }));
      await vi.advanceTimersByTimeAsync(wait);
      expect(socket.connects).toBe(connects);
    }
    expect(renew).not.toHaveBeenCalled();
    vi.useRealTimers();
  });

  test("a gateway that gives no token now is asked again, until the session is over", async () => {
    vi.useFakeTimers();
    renew.mockResolvedValue(false);
    socket.hears("connect");
    socket.hears("disconnect", "io server disconnect");
    await vi.advanceTimersByTimeAsync(600);
    expect(renew).toHaveBeenCalledTimes(2);
    renew.mockResolvedValue(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(socket.connects).toBe(1);
    socket.hears("disconnect", "io server disconnect");
    service.disconnect();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(socket.connects).toBe(1);
    vi.useRealTimers();
  });

  test("a lost transport reconnects by itself, without another token", () => {
    socket.hears("connect");
    socket.hears("disconnect", "transport close");
    expect(renew).not.toHaveBeenCalled();
  });

  test("progress, status and failures reach their listeners until they stop listening", () => {
    const heard: unknown[] = [];
    const stop = service.onProgress((event) => heard.push(event.seq));
    service.onStatusChange((event) => heard.push(event.status));
    service.onError((problem) => heard.push(problem.message));
    socket.hears("migration:progress", { seq: 1 });
    socket.hears("migration:status", { status: "failed" });
    socket.hears("migration:error", { migrationId: "m1", error: "out of disk" });
    stop();
    socket.hears("migration:progress", { seq: 2 });
    expect(heard).toEqual([1, "failed", "out of disk"]);
  });
});
