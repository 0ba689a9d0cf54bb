import { api } from "../api/client";
import type { RowChoice, RunStatus } from "../api/types";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { counted } from "../format/number";
import { refusalOf, useFollowUp } from "./controls";

interface ReplayDialogProps {
  runId: string;
  status: RunStatus;
  /** All rows of the run that wait. */
  waiting: number;
  open: boolean;
  onClose: () => void;
}

/** Asks before every refused row of a run goes through the plan again. */
export function ReplayDialog({ runId, status, waiting, open, onClose }: ReplayDialogProps) {
  const replay = useFollowUp((chosen: RowChoice) => api.replayRows(runId, chosen));
  const close = (): void => {
    replay.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      open={open}
      title={`Replay ${counted(waiting, "row")}?`}
      consequences={[
        { icon: "db", text: `They are read again from the source, with the newest version of ${status.plan}.` },
        { icon: "check", text: "What passes is written to the target and counts as replayed here." },
        { icon: "quarantine", text: "What is refused again waits in the new run, with its reason." },
      ]}
      action={`Replay ${counted(waiting, "row")}`}
      keep="Not now"
      look="primary"
      busy={replay.isPending}
      refusal={replay.error ? refusalOf(replay.error) : undefined}
      onConfirm={() => replay.mutate({ all: true })}
      onClose={close}
    />
  );
}
