import type { ReactNode } from "react";
import { classes } from "./classes";

interface FigureProps {
  label: string;
  value: ReactNode;
  unit?: string;
  remark?: ReactNode;
  hero?: boolean;
  tone?: string | undefined;
  className?: string;
}

/** A figure: what it is, its value, a remark. It does not count up, it changes. */
export function Figure({ label, value, unit, remark, hero = false, tone, className }: FigureProps) {
  return (
    <div className={classes("fig", className)}>
      <div className="k">{label}</div>
      <div className={classes("v", hero && "hero", tone && `${tone} c-ink`)}>
        {value}
        {unit && <small>{unit}</small>}
      </div>
      {remark !== undefined && <div className="d">{remark}</div>}
    </div>
  );
}
