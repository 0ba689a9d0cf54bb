import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api } from "../api/client";
import { ApiProblem } from "../api/ApiProblem";
import { migrationQuery } from "../api/queries";
import type { Run } from "../api/types";
import { useToasts } from "../components/Toast";

export type Verb = "pause" | "resume" | "cancel";

const DONE: Record<Verb, string> = { pause: "The run pauses.", resume: "The run goes on.", cancel: "The run is being cancelled." };

/** Whether it is the last run of its migration: pause and resume are asked of the migration and mean that one. */
export function useIsLast(runId: string, migrationId: string): boolean {
  const { data } = useQuery(migrationQuery(migrationId));
  return data?.lastRun?.id === runId;
}

/** Pause, resume, cancel: what was asked is told, what was refused with the reason. */
export function useVerb(runId: string, migrationId: string, onDone?: () => void) {
  const client = useQueryClient();
  const tell = useToasts((state) => state.tell);
  return useMutation<Run, Error, Verb>({
    mutationFn: (verb) =>
      verb === "cancel" ? api.cancelRun(runId) : verb === "pause" ? api.pauseMigration(migrationId) : api.resumeMigration(migrationId),
    onSuccess: (run, verb) => {
      tell({ tone: "running", text: DONE[verb] });
      readAgain(client, run);
      onDone?.();
    },
    onError: (error) => tell({ tone: "failed", text: refusalOf(error) }),
  });
}

/** Goes on with one mapping that is paused or failed; the others stay as they are. */
export function useResumeMapping(migrationId: string) {
  const client = useQueryClient();
  const tell = useToasts((state) => state.tell);
  return useMutation<Run, Error, string>({
    mutationFn: (mapping) => api.resumeMigration(migrationId, [mapping]),
    onSuccess: (run, mapping) => {
      tell({ tone: "running", text: `${mapping} goes on.` });
      readAgain(client, run);
    },
    onError: (error) => tell({ tone: "failed", text: refusalOf(error) }),
  });
}

/** Starts a run that is about another one, and leads to it. What is refused stays in the dialog that asked. */
export function useFollowUp<Asked>(start: (asked: Asked) => Promise<Run>) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation<Run, Error, Asked>({
    mutationFn: start,
    onSuccess: (run) => {
      readAgain(client, run);
      if (run.about) void client.invalidateQueries({ queryKey: ["run", run.about] });
      void navigate(`/runs/${run.id}`);
    },
  });
}

function readAgain(client: QueryClient, run: Run): void {
  void client.invalidateQueries({ queryKey: ["run", run.id] });
  void client.invalidateQueries({ queryKey: ["migrations"] });
  void client.invalidateQueries({ queryKey: ["migration", run.migrationId] });
  void client.invalidateQueries({ queryKey: ["runs", run.migrationId] });
}

/** Why something was refused, and what to do, in one line. */
export function refusalOf(error: unknown): string {
  const problem = ApiProblem.of(error);
  return `${problem.detail} ${problem.remedy}`.trim();
}
