import type { ReactNode } from "react";
import { classes } from "./classes";
import type { Outcome } from "../api/types";

export type Marked = Outcome | "in-flight" | "not-read" | "running";

/** An outcome by colour and shape: square, circle, hatched square, triangle, struck square, diamond. */
export function OutcomeMark({ outcome, children }: { outcome: Marked; children: ReactNode }) {
  return <span className={classes("mark", outcome)}>{children}</span>;
}
