import { useEffect } from "react";
import { configuration } from "../api/configuration";
import { useToasts } from "../components/Toast";
import { socketService, useMigrations } from "../live/MigrationStore";
import { useSession } from "../live/SessionStore";

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
    const stop = socketService.onCompleted(({ summary }) => {
      if (window.location.pathname.startsWith(`/runs/${summary.runId}`)) return;
      tell({ tone: "completed", text: "A run ended.", link: { to: `/runs/${summary.runId}`, word: "Open" } });
    });
    return () => {
      wanted = false;
      stop();
      disconnect();
    };
  }, [signedIn, connect, disconnect, tell]);
}
