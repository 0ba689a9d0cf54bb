import { create } from "zustand";
import type { ApiClient } from "../api/ApiClient";
import { api } from "../api/client";
import type { Migration, Run, StartOptions } from "../api/types";
import type { ProgressEvent, StatusEvent } from "./events";
import { SocketService, type SocketOptions } from "./SocketService";

export interface MigrationStore {
  migrations: readonly Migration[];
  /** The migration that is being looked at. */
  activeMigration: string | null;
  /** The last snapshot of each run that was heard of, by the run's id. */
  progress: Readonly<Record<string, ProgressEvent>>;
  isConnected: boolean;
  /** Since when nothing is heard; null while connected, and until the first try failed. */
  disconnectedAt: Date | null;
  /** When the last snapshot came. */
  heardAt: Date | null;
  fetchMigrations: () => Promise<void>;
  startMigration: (migrationId: string, options?: StartOptions, key?: string) => Promise<Run>;
  cancelMigration: (migrationId: string) => Promise<Run>;
  updateProgress: (event: ProgressEvent) => void;
  updateStatus: (event: StatusEvent) => void;
  connectSocket: (options: SocketOptions) => void;
  disconnectSocket: () => void;
  /** Follows a migration until the function returned is called. */
  follow: (migrationId: string) => () => void;
}

type Frame = (draw: () => void) => void;

/** A hidden page gets no frames, so it draws nothing; the last snapshot waits for it. */
const nextFrame: Frame = (draw) => void requestAnimationFrame(draw);

/** The live state of migrations: what the API listed, moved by what the socket tells. */
export function createMigrationStore(client: ApiClient, socket: SocketService, frame: Frame = nextFrame) {
  return create<MigrationStore>()((set, get) => {
    const waiting = new Map<string, ProgressEvent>();
    let asked = false;
    const stops: (() => void)[] = [];

    const draw = (): void => {
      asked = false;
      const events = [...waiting];
      waiting.clear();
      set((state) => ({ progress: { ...state.progress, ...newest(events, state.progress) }, heardAt: new Date() }));
    };

    return {
      migrations: [],
      activeMigration: null,
      progress: {},
      isConnected: false,
      disconnectedAt: null,
      heardAt: null,

      fetchMigrations: async () => {
        const listed = await client.getMigrations();
        set({ migrations: listed.migrations });
      },

      startMigration: async (migrationId, options = {}, key = crypto.randomUUID()) => {
        const run = await client.startMigration(migrationId, options, key);
        set((state) => ({ activeMigration: migrationId, migrations: withRun(state.migrations, run) }));
        return run;
      },

      cancelMigration: async (migrationId) => {
        const run = await client.cancelMigration(migrationId);
        set((state) => ({ migrations: withRun(state.migrations, run) }));
        return run;
      },

      updateProgress: (event) => {
        const { runId } = event;
        if (runId === null || event.seq < (waiting.get(runId)?.seq ?? -1)) return;
        waiting.set(runId, event);
        if (asked) return;
        asked = true;
        frame(draw);
      },

      updateStatus: (event) => {
        set((state) => ({
          migrations: state.migrations.map((migration) =>
            migration.id === event.migrationId ? { ...migration, status: event.status } : migration,
          ),
        }));
      },

      connectSocket: (options) => {
        if (stops.length > 0) return;
        stops.push(
          socket.onProgress((event) => get().updateProgress(event)),
          socket.onStatusChange((event) => get().updateStatus(event)),
          socket.onConnection((isConnected) =>
            set((state) => ({
              isConnected,
              disconnectedAt: isConnected ? null : (state.disconnectedAt ?? new Date()),
            })),
          ),
        );
        socket.connect(options);
      },

      disconnectSocket: () => {
        for (const stop of stops.splice(0)) stop();
        socket.disconnect();
        waiting.clear();
        set({ isConnected: false, disconnectedAt: null, progress: {}, migrations: [], activeMigration: null });
      },

      follow: (migrationId) => {
        set({ activeMigration: migrationId });
        socket.subscribeMigration(migrationId);
        return () => {
          socket.unsubscribeMigration(migrationId);
          set((state) => (state.activeMigration === migrationId ? { activeMigration: null } : {}));
        };
      },
    };
  });
}

/** Events younger than what is known. */
function newest(events: readonly [string, ProgressEvent][], known: Readonly<Record<string, ProgressEvent>>): Record<string, ProgressEvent> {
  return Object.fromEntries(events.filter(([runId, event]) => event.seq >= (known[runId]?.seq ?? -1)));
}

function withRun(migrations: readonly Migration[], run: Run): readonly Migration[] {
  return migrations.map((migration) => (migration.id === run.migrationId ? { ...migration, lastRun: run } : migration));
}

/** The line of this page. */
export const socketService = new SocketService();

/** The store of this page. */
export const useMigrations = createMigrationStore(api, socketService);
