import { useEffect } from "react";
import { configuration } from "../api/configuration";
import { useToasts } from "../components/Toast";
import { counted } from "../format/number";
import { span } from "../format/time";
import { socketService, useMigrations } from "../live/MigrationStore";
import { useSession } from "../live/SessionStore";

function isShown(runId: string): boolean {
  return window.location.pathname.startsWith(`/runs/${runId}`);
}

/** The migration of a run that was heard of. */
function nameOf(runId: string): string {
  return useMigrations.getState().progress[runId]?.status.migration ?? "A run";
}

function linkTo(runId: string): { to: string; word: string } {
  return { to: `/runs/${runId}`, word: "Open" };
}

/** Opens the line to the notifier while somebody is signed in, and tells what ended elsewhere. */
export function useLine(): void {
  const signedIn = useSession((session) => session.status === "in");
  const connect = useMigrations((state) => state.connectSocket);
  const disconnect = useMigrations((state) => state.disconnectSocket);
  const tell = useToasts((state) => state.tell);
  useEffect(() => {
    if (!signedIn) return;
    let wanted = true;
    const { token, renew } = useSession.getState();
    configuration().then(
      ({ socketUrl }) => wanted && connect({ url: socketUrl ?? window.location.origin, token, renew }),
      () => undefined,
    );
    const stops = [
      socketService.onCompleted(({ summary }) => {
        if (isShown(summary.runId)) return;
        const rows = `${counted(summary.rows.read, "row")} in ${span(summary.durationSeconds)}.`;
        tell({ tone: "completed", text: `${nameOf(summary.runId)} balanced. ${rows}`, link: linkTo(summary.runId) });
      }),
      socketService.onError(({ runId, message }) => {
        if (runId === null || isShown(runId)) return;
        tell({ tone: "failed", text: `${nameOf(runId)} failed. ${message}`, link: linkTo(runId) });
      }),
    ];
    return () => {
      wanted = false;
      stops.forEach((stop) => stop());
      disconnect();
    };
  }, [signedIn, connect, disconnect, tell]);
}
