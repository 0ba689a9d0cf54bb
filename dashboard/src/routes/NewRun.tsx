import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useNavigate, useParams } from "react-router";
import { ApiProblem } from "../api/ApiProblem";
import { migrationQuery, preflightQuery } from "../api/queries";
import type { Migration, Preflight } from "../api/types";
import { Button } from "../components/Button";
import { Head } from "../components/Head";
import { Stepper } from "../components/Stepper";
import { Verdict } from "../components/Verdict";
import { EmptyState } from "../components/EmptyState";
import { counted } from "../format/number";
import { useMigrations } from "../live/MigrationStore";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { connections } from "../words/identifiers";
import { Loaded } from "./Loaded";
import { isMerge, kindOf, optionsOf, stepOf, stepsOf, type Kind, type StepName } from "./newRun";
import { OptionsStep } from "./OptionsStep";
import { PreflightStep } from "./PreflightStep";

const WHAT: Record<Kind, string> = {
  dry: "Dry run: rows go into tables of their own, which are dropped at the end. The target stays as it is.",
  real: "Real: rows are written to the target.",
  differential: "Differential: new rows are inserted, rows that differ are updated, rows that are gone from the source are treated as the plan says.",
};
const START: Record<Kind, string> = { dry: "Start dry run", real: "Start run", differential: "Start differential run" };

/** From a migration to a started run: preflight, options, confirm. */
export function NewRun() {
  const { id = "" } = useParams();
  const query = useQuery(migrationQuery(id));
  const mayStart = useMay("migration:start");
  const name = query.data?.name ?? "Migration";
  useTitle("New run", query.data?.name);
  useCrumbs([{ word: "Migrations", to: "/migrations" }, { word: name, to: `/migrations/${id}` }, { word: "New run" }]);
  if (!mayStart)
    return (
      <EmptyState title="You can look, not start" page icon="lock">
        Starting a run needs <span className="mono">migration:start</span>. An administrator can grant a role that has it.
      </EmptyState>
    );
  return (
    <Loaded query={query} label="Loading the migration">
      {(migration) => <Wizard migration={migration} />}
    </Loaded>
  );
}

function Wizard({ migration }: { migration: Migration }) {
  const address = useAddress();
  const asked = address.get("step");
  // At its own step a preflight that is not known yet is asked for, not looked up: each run begins with one of its own.
  const preflight = useQuery({
    ...preflightQuery(migration.id),
    enabled: ({ state }) => state.data !== undefined || asked === "options" || asked === "confirm",
  });
  // Later steps are open once the preflight of this version of the plan passed.
  const passed = preflight.data?.state === "done" && preflight.data.planVersion === migration.planVersion;
  const step = passed ? stepOf(asked) : "preflight";
  const go = (next: StepName): void => address.set({ step: next }, true);
  const remarks = {
    migration: `${migration.name}, ${migration.plan} v${migration.planVersion}`,
    ...(preflight.data ? { preflight: preflightRemark(preflight.data) } : {}),
  };
  return (
    <>
      <Head
        title="New run"
        facts={
          <>
            <span>{migration.name}</span>
            <span>{connections(migration)}</span>
          </>
        }
      />
      <div className="wiz">
        <Stepper steps={stepsOf(step, migration.id, remarks)} />
        <div className="stack">
          {step === "preflight" && <PreflightStep migration={migration} query={preflight} onNext={() => go("options")} />}
          {step === "options" && <OptionsStep migration={migration} onBack={() => go("preflight")} onNext={() => go("confirm")} />}
          {step === "confirm" && <Confirm migration={migration} onBack={() => go("options")} />}
        </div>
        <aside className="stack sm soft">
          <h2>Before anything moves</h2>
          <p className="xs muted">Preflight reads catalogues and counts. It opens no row. Preflight, constraints and balance are never skipped.</p>
        </aside>
      </div>
    </>
  );
}

function preflightRemark(preflight: Preflight): string {
  const failed = preflight.checks.filter((check) => check.state === "failed").length + preflight.findings.length;
  if (preflight.state === "pending" || preflight.state === "running") return "under way";
  return failed > 0 ? `${failed} of ${counted(preflight.checks.length + preflight.findings.length, "check")} failed` : "passed";
}

function Confirm({ migration, onBack }: { migration: Migration; onBack: () => void }) {
  const address = useAddress();
  const navigate = useNavigate();
  const client = useQueryClient();
  const startMigration = useMigrations((state) => state.startMigration);
  const options = optionsOf(address.get);
  // One key per visit: a second press, or a lost answer, starts nothing twice.
  const [key] = useState(() => crypto.randomUUID());
  const start = useMutation({
    mutationFn: () => startMigration(migration.id, options, key),
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["migrations"] });
      void client.invalidateQueries({ queryKey: ["migration", migration.id] });
      void navigate(`/runs/${run.id}`);
    },
  });
  const problem = start.error ? ApiProblem.of(start.error) : null;
  return (
    <>
      {problem && <Verdict verdict={{ ground: "failed", headline: problem.detail, detail: problem.remedy }} />}
      <section className="card" aria-label="What will happen">
        <dl className="inspect">
          <Fact name="migration">{migration.name}</Fact>
          <Fact name="plan">
            {migration.plan} v{migration.planVersion}
          </Fact>
          <Fact name="what">{WHAT[kindOf(address.get)]}</Fact>
          {isMerge(address.get) && options.validateOnly && <Fact name="tried">A differential run: what would be inserted, updated and left as it is.</Fact>}
          <Fact name="mappings">{options.only ? options.only.join(", ") : "all of the plan"}</Fact>
          <Fact name="priority">{options.priority.toLowerCase()}</Fact>
          <Fact name="batches">{options.batchSize === undefined ? "by size, at most 50,000 rows" : `at most ${counted(options.batchSize, "row")}`}</Fact>
          {options.verify === true && <Fact name="verify">Afterwards every row is computed again and compared with the target.</Fact>}
          {options.suspendConstraints === true && (
            <Fact name="constraints">Foreign keys and secondary indexes are dropped while rows move, and rebuilt and proven before the run ends.</Fact>
          )}
          {options.skipValidation && <Fact name="rules">The rules of the plan are left out. The run says so as a warning.</Fact>}
        </dl>
      </section>
      <div className="foot-bar">
        <Button onClick={onBack}>Back</Button>
        <span className="grow" />
        <Button look="primary" icon="play" busy={start.isPending} onClick={() => start.mutate()}>
          {START[kindOf(address.get)]}
        </Button>
      </div>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
