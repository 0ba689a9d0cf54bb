import { useState } from "react";
import type { Check, CheckState } from "../api/types";
import { counted } from "../format/number";
import { spoken } from "../words/identifiers";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";

const SHOWN: Record<CheckState, { tone: string; icon: IconName; word: string }> = {
  failed: { tone: "failed", icon: "fail", word: "failed" },
  warning: { tone: "attention", icon: "info", word: "to know" },
  passed: { tone: "completed", icon: "check", word: "passed" },
};
const ORDER: readonly CheckState[] = ["failed", "warning", "passed"];

/** The checks of a preflight: those that failed first, those that passed folded. */
export function CheckList({ checks }: { checks: readonly Check[] }) {
  const [open, setOpen] = useState(false);
  const ordered = ORDER.flatMap((state) => checks.filter((check) => check.state === state));
  const passed = checks.filter((check) => check.state === "passed").length;
  const shown = open ? ordered : ordered.filter((check) => check.state !== "passed");
  const counts = ORDER.map((state) => [state, checks.filter((check) => check.state === state).length] as const);
  return (
    <section className="card" aria-label="Checks">
      <div className="gh">
        <span>{counted(checks.length, "check")}</span>
        <span>
          {counts
            .filter(([, count]) => count > 0)
            .map(([state, count]) => `${count} ${SHOWN[state].word}`)
            .reverse()
            .join(" · ")}
        </span>
      </div>
      {shown.length > 0 && (
        <ol className="checks">
          {shown.map((check) => (
            <li key={check.code} className={SHOWN[check.state].tone}>
              <Icon name={SHOWN[check.state].icon} />
              <div>
                <b>{spoken(check.name)}</b>
                <span className="soft">{check.message}</span>
              </div>
              <span className="xs muted">{SHOWN[check.state].word}</span>
            </li>
          ))}
        </ol>
      )}
      {passed > 0 && (
        <button type="button" className="fold w-full" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="check" />
          <span>{open ? "Fold what passed" : `${counted(passed, "check")} passed`}</span>
          <Icon name="down" />
        </button>
      )}
    </section>
  );
}

/** A check that failed, in full: what was found, and what mends it, to be copied. */
export function Fix({ check, children }: { check: Check; children?: React.ReactNode }) {
  return (
    <section className="card fix" aria-label={spoken(check.name)}>
      <div className="in">
        <div className="row top gap-3">
          <span className="failed c-ink mt-0.5">
            <Icon name="fail" />
          </span>
          <div>
            <h2>{spoken(check.name)}</h2>
            <p className="sm soft">{check.message}</p>
          </div>
        </div>
        {check.fix !== undefined && check.fix !== "" && (
          <div>
            <div className="label mb-1.5">Fix</div>
            <div className="code" role="group" aria-label="Fix" tabIndex={0}>
              <span>{check.fix}</span>
              <CopyButton text={check.fix} label="Copy the fix" />
            </div>
          </div>
        )}
        {children}
      </div>
    </section>
  );
}
