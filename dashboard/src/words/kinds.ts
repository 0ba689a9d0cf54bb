import type { Run } from "../api/types";

const WORDS: Record<Run["kind"], string> = {
  migrate: "Migration",
  validate: "Preflight",
  verify: "Verify",
  differential: "Differential",
  replay: "Replay",
  undo: "Undo",
  cleanup: "Cleanup",
  health_check: "Health check",
};

/** What a run is for, and how it writes: what tells its kind. */
export interface Purpose {
  kind: Run["kind"] | null;
  mode: Run["mode"] | null;
}

/** Whether a run writes nothing into the target's own tables, and says so. */
export function isDryRun({ mode }: Purpose): boolean {
  return mode === "check";
}

/** What a run is for, in a word or two: "Dry run", "Undo", "Differential". */
export function kindWord(run: Purpose): string {
  if (run.kind === "migrate" && run.mode === "merge") return WORDS.differential;
  if (run.kind === "migrate" && run.mode === "patch") return "Back-fill";
  if (isDryRun(run)) return "Dry run";
  return run.kind === null ? "" : WORDS[run.kind];
}

const WRITING: ReadonlySet<Run["kind"]> = new Set(["migrate", "differential", "replay"]);

/** Whether the rows that a run of this kind loaded can be computed again and compared. */
export function isVerifiable(run: Purpose): boolean {
  return (run.kind === "migrate" || run.kind === "differential") && (run.mode === "insert" || run.mode === "merge");
}

/** Whether a run of this kind leaves rows in the target that can be replayed and undone. */
export function writes(run: Purpose): boolean {
  return run.kind !== null && WRITING.has(run.kind) && !isDryRun(run) && run.mode !== "compare";
}
