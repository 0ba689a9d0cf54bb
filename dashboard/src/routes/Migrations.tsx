import { useInfiniteQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { Link, useNavigate } from "react-router";
import { migrationsQuery } from "../api/queries";
import type { Migration, MigrationList } from "../api/types";
import { Ago } from "../components/Ago";
import { Button, ButtonLink } from "../components/Button";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { SearchField } from "../components/SearchField";
import { Select } from "../components/Select";
import { StatePill } from "../components/StatePill";
import { Verdict } from "../components/Verdict";
import { classes } from "../components/classes";
import { counted } from "../format/number";
import { useKeys } from "../keys/useKeys";
import { useListKeys } from "../keys/useListKeys";
import { useMigrations } from "../live/MigrationStore";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { connections } from "../words/identifiers";
import { isActive } from "../words/states";
import { Loaded } from "./Loaded";
import { MigrationBalance, useFollowed } from "./MigrationBalance";
import { More } from "./More";
import { RegisterDialog } from "./RegisterDialog";

const STATES = [
  { value: "", word: "any" },
  { value: "running", word: "running" },
  { value: "failed", word: "failed" },
  { value: "completed", word: "completed" },
  { value: "cancelled", word: "cancelled" },
  { value: "pending", word: "not run yet" },
];
const SORTS = [
  { value: "", word: "last run" },
  { value: "name", word: "name" },
  { value: "-createdAt", word: "newest" },
];
const LAST_RUN = "-lastRun";
const OVERALL: Record<string, string> = { running: "a run is active", failed: "a last run failed", completed: "every last run completed" };

/** What needs somebody, then every migration. */
export function Migrations() {
  useTitle("Migrations");
  useCrumbs([{ word: "Migrations" }]);
  const address = useAddress();
  const filters = {
    status: address.get("status"),
    search: address.get("search"),
    sort: address.get("sort") || LAST_RUN,
  };
  const query = useInfiniteQuery(migrationsQuery(filters));
  const migrations = query.data?.pages.flatMap((page) => page.migrations) ?? [];
  const filtered = filters.status !== "" || filters.search !== "";
  const lost = useMigrations((state) => state.disconnectedAt !== null);
  return (
    <>
      <Top first={query.data?.pages[0]} />
      <NeedsYou migrations={migrations} />
      <div className="row wrap filters" role="group" aria-label="Filters">
        <SearchField label="Name or plan" value={filters.search} onChange={(search) => address.set({ search })} />
        <Select label="State" value={filters.status} choices={STATES} onChange={(status) => address.set({ status })} />
        <Select label="Sort" value={address.get("sort")} choices={SORTS} onChange={(sort) => address.set({ sort })} />
      </div>
      <Loaded query={query} label="Loading migrations">
        {() =>
          migrations.length > 0 ? (
            <section className={classes("card", lost && "stale")} aria-label="Migrations">
              <MigrationTable migrations={migrations} />
              <More {...query} word="More migrations" />
            </section>
          ) : (
            <NoMigration filtered={filtered} onClear={() => address.set({ status: "", search: "" })} />
          )
        }
      </Loaded>
    </>
  );
}

function Top({ first }: { first: MigrationList | undefined }) {
  const mayStart = useMay("migration:start");
  const mayCreate = useMay("migration:create");
  const address = useAddress();
  const navigate = useNavigate();
  useKeys({ n: mayStart ? () => void navigate("/new") : undefined });
  return (
    <>
      <Head
        title="Migrations"
        facts={
          first && (
            <>
              <span>{counted(first.total, "migration")}</span>
              {OVERALL[first.status] && <span>{OVERALL[first.status]}</span>}
            </>
          )
        }
        actions={
          <>
            {mayCreate && (
              <Button icon="db" onClick={() => address.set({ register: true }, true)}>
                Register migration
              </Button>
            )}
            {mayStart && (
              <ButtonLink to="/new" look="primary" icon="plus" shortcut="N">
                New run
              </ButtonLink>
            )}
          </>
        }
      />
      {mayCreate && <RegisterDialog open={address.get("register") === "true"} onClose={() => address.set({ register: false })} />}
    </>
  );
}

/** Migrations whose last run failed or was stopped by something else than a person. */
function NeedsYou({ migrations }: { migrations: readonly Migration[] }) {
  const needing = migrations.filter(({ lastRun }) => lastRun?.state === "failed" || (lastRun?.state === "paused" && lastRun.reason !== "asked"));
  if (needing.length === 0) return null;
  return (
    <div className="stack tight" role="group" aria-label="Needs you">
      {needing.map(({ id, name, lastRun }) =>
        lastRun ? (
          <Verdict
            key={id}
            verdict={{
              ground: lastRun.state === "failed" ? "failed" : "paused",
              headline: `${name} ${lastRun.state === "failed" ? "stopped" : "is paused"}.`,
              detail: `${lastRun.message} ${lastRun.remedy}`,
            }}
          >
            <ButtonLink to={`/runs/${lastRun.id}`}>See why</ButtonLink>
          </Verdict>
        ) : null,
      )}
    </div>
  );
}

function NoMigration({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  const address = useAddress();
  const mayCreate = useMay("migration:create");
  if (filtered)
    return (
      <div className="card">
        <EmptyState title="No migration matches" action={<Button onClick={onClear}>Clear filters</Button>}>
          None has this name, plan and state.
        </EmptyState>
      </div>
    );
  return (
    <div className="card">
      <EmptyState
        title="No migration yet"
        icon="migrations"
        action={
          mayCreate && (
            <Button look="primary" icon="plus" onClick={() => address.set({ register: true }, true)}>
              Register migration
            </Button>
          )
        }
      >
        Register one: a plan, and the two connections by their names. Credentials stay with the services.
      </EmptyState>
    </div>
  );
}

function MigrationTable({ migrations }: { migrations: readonly Migration[] }) {
  const body = useRef<HTMLTableElement>(null);
  useListKeys(body);
  useFollowed(migrations);
  return (
    <>
      <div className="scroll-x only-wide-table" role="region" aria-label="Table of migrations" tabIndex={0}>
        <table className="table tall" ref={body}>
          <thead>
            <tr>
              <th scope="col">Migration</th>
              <th scope="col">State</th>
              <th scope="col">Balance</th>
              <th scope="col">Last run</th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {migrations.map((migration) => (
              <Row key={migration.id} migration={migration} />
            ))}
          </tbody>
        </table>
      </div>
      <ul className="cards only-phone" aria-label="Migrations">
        {migrations.map((migration) => (
          <li key={migration.id}>
            <div className="row between">
              <Link to={target(migration)} className="medium">
                {migration.name}
              </Link>
              <State migration={migration} />
            </div>
            <MigrationBalance migration={migration} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Where a migration's name leads: to its run of now, else to its runs. */
function target({ id, lastRun }: Migration): string {
  return lastRun && isActive(lastRun.state) ? `/runs/${lastRun.id}` : `/migrations/${id}`;
}

function State({ migration: { lastRun } }: { migration: Migration }) {
  return <StatePill state={lastRun?.state ?? "never"} dryRun={lastRun?.mode === "check"} />;
}

function Row({ migration }: { migration: Migration }) {
  const { lastRun } = migration;
  const mayStart = useMay("migration:start");
  return (
    <tr>
      <th scope="row">
        <Link to={target(migration)} className="medium">
          {migration.name}
        </Link>
        <small>
          plan {migration.plan} v{migration.planVersion} · {connections(migration)}
        </small>
      </th>
      <td>
        <State migration={migration} />
      </td>
      <td className="min-w-60">
        <MigrationBalance migration={migration} />
      </td>
      <td className="soft whitespace-nowrap">{lastRun ? <Ago at={lastRun.finishedAt ?? lastRun.createdAt} /> : "never run"}</td>
      <td className="num">
        {lastRun?.state === "failed" ? (
          <ButtonLink to={`/runs/${lastRun.id}`}>See why</ButtonLink>
        ) : lastRun && !isActive(lastRun.state) ? (
          <ButtonLink to={`/runs/${lastRun.id}`}>Last run</ButtonLink>
        ) : !lastRun && mayStart ? (
          <ButtonLink to={`/migrations/${migration.id}/new`}>New run</ButtonLink>
        ) : null}
      </td>
    </tr>
  );
}
