import type { Run, RunStatus } from "../api/types";
import { Button, ButtonLink } from "../components/Button";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { counted } from "../format/number";
import { useKeys } from "../keys/useKeys";
import { useMay } from "../live/SessionStore";
import { useAddress } from "../shell/useAddress";
import { shortId } from "../words/identifiers";
import { isVerifiable, writes } from "../words/kinds";
import { waitingOf } from "../words/resolved";
import { isActive } from "../words/states";
import { useIsLast, useVerb } from "./controls";
import { UndoDialog, writtenBy } from "./UndoDialog";
import { VerifyDialog } from "./VerifyDialog";

interface RunActionsProps {
  runId: string;
  status: RunStatus;
  run: Run | undefined;
}

/** What may be done with a run, by its state and by who looks at it: a viewer sees the report alone. */
export function RunActions({ runId, status, run }: RunActionsProps) {
  const over = !isActive(status.phase);
  return (
    <>
      {over && (
        <ButtonLink to={`/runs/${runId}/report`} icon="print" look={status.phase === "completed" ? "primary" : "plain"}>
          Report
        </ButtonLink>
      )}
      <Controls runId={runId} status={status} />
      {over && run && !run.undoneAt && <FollowUps runId={runId} status={status} />}
    </>
  );
}

/** Pause, resume, cancel. */
function Controls({ runId, status }: { runId: string; status: RunStatus }) {
  const address = useAddress();
  const mayPause = useMay("migration:pause");
  const mayCancel = useMay("migration:cancel");
  const close = (): void => address.set({ ask: "" });
  const verb = useVerb(runId, status.id, close);
  const isLast = useIsLast(runId, status.id);
  const canPause = isLast && mayPause && (status.phase === "running" || status.phase === "planning");
  const canResume = isLast && mayPause && (status.phase === "paused" || status.phase === "failed");
  const canCancel = mayCancel && isActive(status.phase) && status.phase !== "cancelling";
  useKeys({ p: verb.isPending ? undefined : canPause ? () => verb.mutate("pause") : canResume ? () => verb.mutate("resume") : undefined });
  return (
    <>
      {canPause && (
        <Button icon="pause" shortcut="P" busy={verb.isPending} onClick={() => verb.mutate("pause")}>
          Pause
        </Button>
      )}
      {canResume && (
        <Button icon="play" look="primary" shortcut="P" busy={verb.isPending} onClick={() => verb.mutate("resume")}>
          Resume
        </Button>
      )}
      {canCancel && (
        <Button icon="stop" look="danger" onClick={() => address.set({ ask: "cancel" }, true)}>
          Cancel…
        </Button>
      )}
      <ConfirmDialog
        open={canCancel && address.get("ask") === "cancel"}
        title={`Cancel run ${shortId(runId)}?`}
        consequences={[
          { icon: "check", text: `${counted(status.progress.current, "settled row")} stay in the target.` },
          { icon: "slash", text: `${counted(status.batches.dispatched, "batch", "batches")} in flight are dropped, none half written.` },
          { icon: "replay", text: "A new run finds what is there and goes on from it." },
        ]}
        action="Cancel run"
        keep="Keep running"
        busy={verb.isPending}
        onConfirm={() => verb.mutate("cancel")}
        onClose={close}
      />
    </>
  );
}

/** Runs that are about this one, which is over: a replay of its refused rows, a verify, an undo. */
function FollowUps({ runId, status }: { runId: string; status: RunStatus }) {
  const address = useAddress();
  const [mayReplay, mayVerify, mayUndo] = [useMay("migration:replay"), useMay("migration:start"), useMay("migration:undo")];
  const written = writtenBy(status);
  const wrote = writes(status);
  const canReplay = mayReplay && wrote && status.mode !== "patch" && waitingOf(status) > 0;
  const canVerify = mayVerify && isVerifiable(status) && (status.phase === "completed" || status.error?.code === "verify_different");
  const canUndo = mayUndo && wrote && written.inserted + written.updated + written.deleted > 0;
  const asked = address.get("ask");
  const close = (): void => address.set({ ask: "" });
  return (
    <>
      {canReplay && (
        <ButtonLink to={`/runs/${runId}/quarantine?ask=replay`} icon="replay">
          Replay…
        </ButtonLink>
      )}
      {canVerify && (
        <Button icon="scale" onClick={() => address.set({ ask: "verify" }, true)}>
          Verify…
        </Button>
      )}
      {canUndo && (
        <Button icon="undo" look="danger" onClick={() => address.set({ ask: "undo" }, true)}>
          Undo…
        </Button>
      )}
      {canVerify && <VerifyDialog runId={runId} open={asked === "verify"} onClose={close} />}
      {canUndo && <UndoDialog runId={runId} status={status} open={asked === "undo"} onClose={close} />}
    </>
  );
}
