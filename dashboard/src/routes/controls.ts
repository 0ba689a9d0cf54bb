import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "../api/client";
import { ApiProblem } from "../api/ApiProblem";
import type { Run } from "../api/types";
import { useToasts } from "../components/Toast";
import { useMigrations } from "../live/MigrationStore";

export type Verb = "pause" | "resume" | "cancel";

const DONE: Record<Verb, string> = { pause: "The run pauses.", resume: "The run goes on.", cancel: "The run is being cancelled." };

/** Pause, resume, cancel: what was asked is told, what was refused with the reason. */
export function useVerb(migrationId: string, onDone?: () => void) {
  const client = useQueryClient();
  const tell = useToasts((state) => state.tell);
  const cancel = useMigrations((state) => state.cancelMigration);
  return useMutation<Run, Error, Verb>({
    mutationFn: (verb) =>
      verb === "cancel" ? cancel(migrationId) : verb === "pause" ? api.pauseMigration(migrationId) : api.resumeMigration(migrationId),
    onSuccess: (run, verb) => {
      tell({ tone: "running", text: DONE[verb] });
      void client.invalidateQueries({ queryKey: ["run", run.id] });
      void client.invalidateQueries({ queryKey: ["migrations"] });
      void client.invalidateQueries({ queryKey: ["runs", migrationId] });
      onDone?.();
    },
    onError: (error) => {
      const problem = ApiProblem.of(error);
      tell({ tone: "failed", text: `${problem.detail} ${problem.remedy}`.trim() });
    },
  });
}
