import { io, type Socket } from "socket.io-client";
import type { Acknowledged, ClientEvents, CompletedEvent, FailureEvent, ProgressEvent, ServerEvents, StatusEvent, SystemMetrics } from "./events";

export type LiveSocket = Pick<Socket<ServerEvents, ClientEvents>, "on" | "emit" | "connect" | "disconnect" | "connected" | "io" | "active">;

/** What went wrong on the line: a run that failed, a room that was refused, a connection that was not accepted. */
export interface SocketProblem {
  kind: "run" | "refused" | "connection";
  migrationId: string | null;
  /** The run that failed. */
  runId: string | null;
  message: string;
}

export interface SocketOptions {
  url: string;
  /** The token of the moment: a reconnection takes the newest one. */
  token: () => string | null;
  /** Gets a new token when the server did not accept the old one; false: nobody is signed in any more. */
  renew: () => Promise<boolean>;
}

type Listener<T> = (value: T) => void;
type Stop = () => void;

const unheard = (): undefined => undefined;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** Refusals that another token may mend; the others only time does. */
const OF_THE_TOKEN: ReadonlySet<string> = new Set(["not_signed_in", "token_refused"]);
/** Refusals of a room that pass by themselves: the ledger is away, or too much was asked at once. */
const PASSING: ReadonlySet<string> = new Set(["unavailable", "too_many_requests"]);
const ASK_AGAIN_MS = 2000;

function openSocket({ url, token }: SocketOptions): LiveSocket {
  return io(url, {
    // The notifier has no other.
    transports: ["websocket"],
    reconnectionDelay: FIRST_DELAY_MS,
    reconnectionDelayMax: LONGEST_DELAY_MS,
    auth: (give) => give({ token: token() }),
  });
}

/**
 * One connection to the notifier. What was subscribed is subscribed again after every reconnection; the server then sends the
 * current snapshot at once.
 */
export class SocketService {
  readonly #open: (options: SocketOptions) => LiveSocket;
  #socket: LiveSocket | null = null;
  /** How often the server has ended or refused the connection since there was one. */
  #refusals = 0;
  /** Which connection it is: what was asked on an older one is not asked again. */
  #connections = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #rooms = new Map<string, number>();
  #system = 0;
  readonly #progress = new Set<Listener<ProgressEvent>>();
  readonly #status = new Set<Listener<StatusEvent>>();
  readonly #completed = new Set<Listener<CompletedEvent>>();
  readonly #errors = new Set<Listener<SocketProblem>>();
  readonly #metrics = new Set<Listener<SystemMetrics>>();
  readonly #connection = new Set<Listener<boolean>>();

  constructor(open: (options: SocketOptions) => LiveSocket = openSocket) {
    this.#open = open;
  }

  get isConnected(): boolean {
    return this.#socket?.connected ?? false;
  }

  /** Opens the line; a second call changes nothing. */
  connect(options: SocketOptions): void {
    if (this.#socket) return;
    const socket = this.#open(options);
    this.#socket = socket;
    socket.on("connect", () => {
      this.#refusals = 0;
      this.#connections += 1;
      for (const room of this.#rooms.keys()) this.#ask("migration:subscribe", room);
      if (this.#system > 0) this.#askSystem();
      this.#tell(this.#connection, true);
    });
    socket.on("disconnect", (reason) => {
      this.#tell(this.#connection, false);
      // A connection ends with its token.
      if (reason === "io server disconnect") this.#comeBack(options, socket, true);
    });
    socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
      this.#tell(this.#connection, false);
      this.#tell(this.#errors, { kind: "connection", migrationId: null, runId: null, message: error.message });
      if (!socket.active) this.#comeBack(options, socket, OF_THE_TOKEN.has(error.data?.code ?? ""));
    });
    socket.on("migration:progress", (event) => this.#tell(this.#progress, event));
    socket.on("migration:status", (event) => this.#tell(this.#status, event));
    socket.on("migration:completed", (event) => this.#tell(this.#completed, event));
    socket.on("migration:error", (event: FailureEvent) =>
      this.#tell(this.#errors, { kind: "run", migrationId: event.migrationId, runId: event.runId, message: event.error }),
    );
    socket.on("system:metrics", (metrics) => this.#tell(this.#metrics, metrics));
  }

  /** Closes the line and forgets its rooms. */
  disconnect(): void {
    this.#rooms.clear();
    this.#system = 0;
    this.#refusals = 0;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.disconnect();
    this.#tell(this.#connection, false);
  }

  /** Tries again now. */
  retry(): void {
    this.#socket?.connect();
  }

  /** Follows a migration; several parts of a page may, the room is left with the last of them. */
  subscribeMigration(migrationId: string): void {
    const before = this.#rooms.get(migrationId) ?? 0;
    this.#rooms.set(migrationId, before + 1);
    if (before === 0 && this.isConnected) this.#ask("migration:subscribe", migrationId);
  }

  unsubscribeMigration(migrationId: string): void {
    const before = this.#rooms.get(migrationId) ?? 0;
    if (before > 1) {
      this.#rooms.set(migrationId, before - 1);
      return;
    }
    this.#rooms.delete(migrationId);
    if (before === 1 && this.isConnected) this.#ask("migration:unsubscribe", migrationId);
  }

  subscribeSystem(): void {
    this.#system += 1;
    if (this.#system === 1 && this.isConnected) this.#askSystem();
  }

  unsubscribeSystem(): void {
    this.#system = Math.max(0, this.#system - 1);
    if (this.#system === 0 && this.isConnected) this.#socket?.emit("system:unsubscribe", unheard);
  }

  onProgress(listener: Listener<ProgressEvent>): Stop {
    return listen(this.#progress, listener);
  }

  onStatusChange(listener: Listener<StatusEvent>): Stop {
    return listen(this.#status, listener);
  }

  onCompleted(listener: Listener<CompletedEvent>): Stop {
    return listen(this.#completed, listener);
  }

  onError(listener: Listener<SocketProblem>): Stop {
    return listen(this.#errors, listener);
  }

  onMetrics(listener: Listener<SystemMetrics>): Stop {
    return listen(this.#metrics, listener);
  }

  onConnection(listener: Listener<boolean>): Stop {
    return listen(this.#connection, listener);
  }

  #ask(event: "migration:subscribe" | "migration:unsubscribe", migrationId: string): void {
    this.#socket?.emit(event, migrationId, (answer: Acknowledged) => {
      if (!("error" in answer)) return;
      this.#tell(this.#errors, { kind: "refused", migrationId, runId: null, message: answer.error.message });
      if (event === "migration:subscribe") this.#askAgain(answer.error.code, () => this.#rooms.has(migrationId) && this.#ask(event, migrationId));
    });
  }

  #askSystem(): void {
    this.#socket?.emit("system:subscribe", (answer) => {
      if ("error" in answer) this.#askAgain(answer.error.code, () => this.#system > 0 && this.#askSystem());
    });
  }

  /** Without it a page whose room was refused for a moment would stand still and look alive. */
  #askAgain(code: string, ask: () => unknown): void {
    if (!PASSING.has(code)) return;
    const connection = this.#connections;
    setTimeout(() => {
      if (this.isConnected && this.#connections === connection) ask();
    }, ASK_AGAIN_MS);
  }

  /** The client does not come back by itself to a server that ended or refused it: at once first, then later each time. */
  #comeBack(options: SocketOptions, socket: LiveSocket, renews: boolean): void {
    const delay = this.#refusals === 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#refusals - 1));
    this.#refusals += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#again(options, socket, renews), delay);
  }

  async #again(options: SocketOptions, socket: LiveSocket, renews: boolean): Promise<void> {
    const mayConnect = !renews || (await options.renew());
    // Without a session the line was closed meanwhile.
    if (this.#socket !== socket) return;
    if (mayConnect) socket.connect();
    else this.#comeBack(options, socket, renews);
  }

  #tell<T>(listeners: Set<Listener<T>>, value: T): void {
    for (const listener of listeners) listener(value);
  }
}

function listen<T>(listeners: Set<Listener<T>>, listener: Listener<T>): Stop {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
