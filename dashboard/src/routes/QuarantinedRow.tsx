import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { api } from "../api/client";
import type { QuarantineGroup, QuarantineRow, RunStatus, UnmaskedRow } from "../api/types";
import { Button } from "../components/Button";
import { Masked } from "../components/Masked";
import { RowDrawer } from "../components/RowDrawer";
import { UnmaskDialog } from "../components/UnmaskDialog";
import { useNow } from "../components/clock";
import { useMay } from "../live/SessionStore";
import { shortId, spoken } from "../words/identifiers";
import { refusalOf } from "./controls";
import { RowFate } from "./RowFate";

const SECONDS = 60;

interface QuarantinedRowProps {
  runId: string;
  status: RunStatus | undefined;
  row: QuarantineRow;
  group: QuarantineGroup | null;
  position: string;
  onNext: (() => void) | undefined;
  onPrevious: (() => void) | undefined;
  onClose: () => void;
}

/** One refused row, masked; its values for 60 s to whoever may see them and says why. */
export function QuarantinedRow({ runId, status, row, group, position, ...moves }: QuarantinedRowProps) {
  const [first] = row.reasons;
  const title = first ? first.title || spoken(first.reason) : "Refused row";
  return (
    <RowDrawer
      title={title}
      remark={
        <>
          <span className="mono">{row.mapping}</span> · {position} · ref <span className="mono">{shortId(row.ref)}</span>
        </>
      }
      {...moves}
    >
      <section>
        <ul className="stack tight sm">
          {row.reasons.map((reason) => (
            <li key={`${reason.reason} ${reason.column}`}>
              {reason.title || spoken(reason.reason)}
              {reason.column && <b className="mono quarantined c-ink"> {reason.column}</b>}
              {reason.sqlstate && <span className="muted"> SQLSTATE {reason.sqlstate}</span>}
            </li>
          ))}
        </ul>
        {row.waitsFor && <p className="xs muted">It waits for {row.waitsFor}.</p>}
      </section>
      <RowFate runId={runId} status={status} row={row} group={group} />
      <Values runId={runId} row={row} />
    </RowDrawer>
  );
}

function Values({ runId, row }: { runId: string; row: QuarantineRow }) {
  const mayUnmask = useMay("quarantine:unmask");
  const [asking, setAsking] = useState(false);
  const [unmasked, setUnmasked] = useState<UnmaskedRow | null>(null);
  const unmask = useMutation({
    mutationFn: (reason: string) => api.unmask(runId, row.ref, reason),
    onSuccess: (shown) => {
      setUnmasked(shown);
      setAsking(false);
    },
    // Nothing of the answer stays behind in the page's memory.
    gcTime: 0,
  });
  const hide = (): void => {
    setUnmasked(null);
    unmask.reset();
  };
  const left = useSecondsLeft(unmasked, hide);
  const wrong = new Set(row.reasons.map((reason) => reason.column));
  const isWrong = (name: string): boolean => wrong.has(name) || wrong.has(name.replace(/^.*\./, ""));
  const columns = [...row.columns].sort(
    (one, other) => Number(isWrong(other.name)) - Number(isWrong(one.name)) || one.name.localeCompare(other.name),
  );
  const hidden = columns.filter((column) => !column.clear && column.kind !== "null").length;
  return (
    <section>
      <div className="row between">
        <h3>Legacy row</h3>
        {unmasked ? (
          <Button icon="eyeoff" onClick={hide}>
            Mask again, {left} s
          </Button>
        ) : (
          mayUnmask && (
            <Button icon="eye" onClick={() => setAsking(true)}>
              Unmask…
            </Button>
          )
        )}
      </div>
      <table className="kv">
        <tbody>
          {columns.map((column) => (
            <tr key={column.name} className={isWrong(column.name) ? "bad" : ""}>
              <th scope="row" className="mono">
                {column.name}
              </th>
              <td>
                {unmasked ? (
                  <span className="break-words">{unmasked.columns[column.name] ?? <span className="muted">NULL</span>}</span>
                ) : column.clear ? (
                  (column.value ?? <span className="muted">NULL</span>)
                ) : (
                  <Masked kind={column.kind} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="xs muted">
        {mayUnmask
          ? `Unmasking asks for a reason, ends after ${SECONDS} s and is written to the audit log.`
          : "Seeing values needs quarantine:unmask; an administrator has it."}
      </p>
      <UnmaskDialog
        open={asking}
        columns={hidden}
        seconds={SECONDS}
        busy={unmask.isPending}
        refusal={unmask.error ? refusalOf(unmask.error) : undefined}
        onUnmask={(reason) => unmask.mutate(reason)}
        onClose={() => setAsking(false)}
      />
    </section>
  );
}


/** Seconds until the values go; at the end, and when the page is hidden, left or printed, they are dropped. */
function useSecondsLeft(unmasked: UnmaskedRow | null, drop: () => void): number {
  const now = useNow();
  const [since, setSince] = useState<{ row: UnmaskedRow; until: number } | null>(null);
  if (unmasked !== (since?.row ?? null))
    // The page's own clock counts: it may differ from the server's.
    setSince(unmasked ? { row: unmasked, until: now.getTime() + SECONDS * 1000 } : null);
  useEffect(() => {
    if (!unmasked) return;
    const timer = setTimeout(drop, SECONDS * 1000);
    document.addEventListener("visibilitychange", drop);
    // Drawn before the paper is.
    const dropNow = (): void => flushSync(drop);
    window.addEventListener("beforeprint", dropNow);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("beforeprint", dropNow);
      document.removeEventListener("visibilitychange", drop);
    };
    // The clock starts with the row, not with each drawing.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [unmasked]);
  return since ? Math.max(0, Math.ceil((since.until - now.getTime()) / 1000)) : 0;
}
