import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { ApiProblem } from "../api/ApiProblem";
import { api } from "../api/client";
import { migrationQuery, runsQuery } from "../api/queries";
import type { Migration as MigrationDocument, Run } from "../api/types";
import { Ago } from "../components/Ago";
import { Button, ButtonLink } from "../components/Button";
import { Card } from "../components/Card";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { Duration } from "../components/Duration";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { Menu } from "../components/Menu";
import { RunCounts } from "../components/RunCounts";
import { StatePill } from "../components/StatePill";
import { useToasts } from "../components/Toast";
import { useKeys } from "../keys/useKeys";
import { useListKeys } from "../keys/useListKeys";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { connections, shortId } from "../words/identifiers";
import { isDryRun, kindWord } from "../words/kinds";
import { isActive } from "../words/states";
import { Loaded } from "./Loaded";
import { More } from "./More";

/** One migration and its runs. */
export function Migration() {
  const { id = "" } = useParams();
  const query = useQuery(migrationQuery(id));
  useTitle(query.data?.name ?? "Migration");
  useCrumbs([{ word: "Migrations", to: "/migrations" }, { word: query.data?.name ?? "Migration" }]);
  return (
    <Loaded query={query} label="Loading the migration">
      {(migration) => (
        <>
          <Top migration={migration} />
          <Runs migration={migration} />
        </>
      )}
    </Loaded>
  );
}

function Top({ migration }: { migration: MigrationDocument }) {
  const mayStart = useMay("migration:start");
  const mayDelete = useMay("migration:delete");
  const address = useAddress();
  const navigate = useNavigate();
  const active = migration.lastRun !== null && isActive(migration.lastRun.state);
  const start = `/migrations/${migration.id}/new`;
  useKeys({ n: mayStart && !active ? () => void navigate(start) : undefined });
  return (
    <>
      <Head
        title={migration.name}
        beside={<StatePill state={migration.lastRun?.state ?? "never"} />}
        facts={
          <>
            <span>
              plan{" "}
              <Link className="link" to={`/plans/${migration.plan}`}>
                {migration.plan} v{migration.planVersion}
              </Link>
            </span>
            <span>{connections(migration)}</span>
            <span>
              registered <Ago at={migration.createdAt} /> by {migration.createdBy}
            </span>
          </>
        }
        actions={
          <>
            {mayStart && !active && (
              <ButtonLink to={start} look="primary" icon="plus" shortcut="N">
                New run
              </ButtonLink>
            )}
            {mayDelete && (
              <Menu items={[{ word: "Delete migration…", icon: "x", danger: true, onSelect: () => address.set({ delete: true }, true) }]}>
                <Button icon="more" aria-label="More actions" />
              </Menu>
            )}
          </>
        }
      />
      {mayDelete && <Delete migration={migration} open={address.get("delete") === "true"} onClose={() => address.set({ delete: false })} />}
    </>
  );
}

function Delete({ migration, open, onClose }: { migration: MigrationDocument; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const tell = useToasts((state) => state.tell);
  const remove = useMutation({
    mutationFn: () => api.deleteMigration(migration.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["migrations"] });
      tell({ tone: "completed", text: `${migration.name} is deleted. Its audit and balance stay.` });
      void navigate("/migrations", { replace: true });
    },
    onError: (error) => {
      const problem = ApiProblem.of(error);
      tell({ tone: "failed", text: `${problem.detail} ${problem.remedy}`.trim() });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      open={open}
      title={`Delete ${migration.name}?`}
      consequences={[
        { icon: "check", text: "Rows in the target stay as they are." },
        { icon: "audit", text: "Audit, balance and rows in quarantine stay in the ledger." },
        { icon: "x", text: "The migration leaves this list, and its name is free again." },
      ]}
      action="Delete migration"
      keep="Keep it"
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}

function Runs({ migration }: { migration: MigrationDocument }) {
  const query = useInfiniteQuery(runsQuery(migration.id));
  const table = useRef<HTMLTableElement>(null);
  useListKeys(table);
  return (
    <Card title="Runs">
      <Loaded query={query} label="Loading runs">
        {({ pages }) => {
          const runs = pages.flatMap((page) => page.runs);
          if (runs.length === 0)
            return (
              <EmptyState title="Nothing has run yet" icon="ring">
                A dry run shows what would happen. It writes into tables of its own and drops them.
              </EmptyState>
            );
          return (
            <>
              <RunTable runs={runs} table={table} />
              <More {...query} word="Older runs" />
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

function RunTable({ runs, table }: { runs: readonly Run[]; table: React.RefObject<HTMLTableElement | null> }) {
  return (
    <div className="scroll-x" role="region" aria-label="Table of runs" tabIndex={0}>
      <table className="table" ref={table}>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col">Kind</th>
            <th scope="col">Plan</th>
            <th scope="col">Rows</th>
            <th scope="col">Started</th>
            <th scope="col" className="num">
              Took
            </th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <th scope="row">
                <Link to={`/runs/${run.id}`} className="mono medium" title={run.id}>
                  {shortId(run.id)}
                </Link>
              </th>
              <td>
                <StatePill state={run.undoneAt ? "undone" : run.state} dryRun={isDryRun(run)} />
              </td>
              <td className="soft">{kindWord(run)}</td>
              <td className="soft">v{run.planVersion}</td>
              <td>
                <RunCounts counts={run.counts} warningCount={run.warningCount} />
              </td>
              <td className="soft whitespace-nowrap">
                <Ago at={run.startedAt ?? run.createdAt} />
              </td>
              <td className="num">
                {run.startedAt !== null && run.finishedAt !== null ? (
                  <Duration seconds={(Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000} />
                ) : (
                  "–"
                )}
              </td>
              <td className="soft">{run.actor}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
