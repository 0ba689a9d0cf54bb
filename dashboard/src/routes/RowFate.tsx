import { useState } from "react";
import { api } from "../api/client";
import type { QuarantineGroup, QuarantineRow, RowChoice, RunStatus } from "../api/types";
import { Ago } from "../components/Ago";
import { Icon } from "../components/Icon";
import { ReplayChoice, type ReplayVerb } from "../components/ReplayChoice";
import { classes } from "../components/classes";
import { useMay } from "../live/SessionStore";
import { FATES } from "../words/fates";
import { isDryRun, writes } from "../words/kinds";
import { isActive } from "../words/states";
import { refusalOf, useFollowUp } from "./controls";
import { DiscardDialog, kindOf } from "./DiscardDialog";
import { EditDialog } from "./EditDialog";

interface RowFateProps {
  runId: string;
  status: RunStatus | undefined;
  row: QuarantineRow;
  /** The rows of its kind. */
  group: QuarantineGroup | null;
}

/** What became of a refused row; while it waits, what whoever may can do about it. */
export function RowFate({ runId, status, row, group }: RowFateProps) {
  const mayReplay = useMay("migration:replay");
  const fate = FATES[row.state];
  const dry = status !== undefined && isDryRun(status);
  const open = row.state === "waiting" && status !== undefined && !isActive(status.phase) && writes(status);
  return (
    <section>
      <h3>{open && mayReplay ? "Replay" : "What became of it"}</h3>
      <p className={classes("sm row top", fate.tone)}>
        <span className="c-fill mt-0.5">
          <Icon name={fate.icon} small />
        </span>
        <span>
          {dry ? "A dry run refused it: a real run would, too. Nothing of it waits." : fate.sentence}
          {!dry && row.resolvedAt !== null && (
            <span className="muted">
              {" "}
              <Ago at={row.resolvedAt} />
            </span>
          )}
        </span>
      </p>
      {open && mayReplay && <Decision runId={runId} status={status} row={row} group={group} />}
      {row.state === "waiting" && status && isActive(status.phase) && <p className="xs muted">Rows can be replayed when the run is over.</p>}
    </section>
  );
}

function Decision({ runId, status, row, group }: RowFateProps & { status: RunStatus }) {
  const mayEdit = useMay("quarantine:unmask");
  const [asking, setAsking] = useState<"edit" | "discard" | null>(null);
  const replay = useFollowUp((form: RowChoice) => api.replayRows(runId, form));
  const choose = (verb: ReplayVerb): void => {
    if (verb === "edit" || verb === "discard") setAsking(verb);
    else replay.mutate(verb === "kind" && group ? kindOf(group) : { rows: [row.ref] });
  };
  return (
    <>
      <ReplayChoice
        waiting={group?.waiting ?? 1}
        plan={status.plan}
        mayEdit={mayEdit}
        busy={replay.isPending}
        refusal={replay.error ? refusalOf(replay.error) : undefined}
        onChoose={choose}
      />
      <EditDialog
        runId={runId}
        row={row}
        open={asking === "edit"}
        onEdited={() => {
          setAsking(null);
          replay.mutate({ rows: [row.ref] });
        }}
        onClose={() => setAsking(null)}
      />
      <DiscardDialog runId={runId} row={row} group={group} open={asking === "discard"} onClose={() => setAsking(null)} />
    </>
  );
}
