import type { ReactNode } from "react";
import type { Ground, Verdict as VerdictDocument } from "../api/types";
import type { IconName } from "./drawings";
import { Icon } from "./Icon";
import { classes } from "./classes";

const ICONS: Record<Ground, IconName> = {
  pending: "ring",
  planning: "plan",
  paused: "pause",
  attention: "clock",
  quarantined: "quarantine",
  completed: "check",
  failed: "fail",
  cancelled: "slash",
};

interface VerdictProps {
  verdict: Pick<VerdictDocument, "ground" | "headline" | "detail">;
  icon?: IconName | undefined;
  /** Something else on the page speaks of it. */
  quiet?: boolean;
  /** What may be done about it. */
  children?: ReactNode;
}

/** What is true now, and whether somebody is needed: the first thing on every run page. */
export function Verdict({ verdict, icon, quiet = false, children }: VerdictProps) {
  const bad = verdict.ground === "failed";
  return (
    <div className={classes("verdict", verdict.ground)} role={bad ? "alert" : quiet ? undefined : "status"}>
      <Icon name={icon ?? ICONS[verdict.ground]} />
      <span className="grow">
        <b>{verdict.headline}</b> {verdict.detail}
      </span>
      {children}
    </div>
  );
}
