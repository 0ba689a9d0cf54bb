import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { migrationsQuery } from "../api/queries";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { SearchField } from "../components/SearchField";
import { StatePill } from "../components/StatePill";
import { Stepper } from "../components/Stepper";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { isActive } from "../words/states";
import { Loaded } from "./Loaded";
import { More } from "./More";
import { stepsOf } from "./newRun";

/** The first step of a new run: of which migration. */
export function ChooseMigration() {
  useTitle("New run");
  useCrumbs([{ word: "Migrations", to: "/migrations" }, { word: "New run" }]);
  const address = useAddress();
  const query = useInfiniteQuery(migrationsQuery({ search: address.get("search") }));
  const migrations = query.data?.pages.flatMap((page) => page.migrations) ?? [];
  return (
    <>
      <Head title="New run" />
      <div className="wiz">
        <Stepper steps={stepsOf("migration", "", {})} />
        <Card
          title="Which migration?"
          aside={<SearchField label="Name or plan" value={address.get("search")} onChange={(search) => address.set({ search })} />}
        >
          <Loaded query={query} label="Loading migrations">
            {() =>
              migrations.length === 0 ? (
                <EmptyState title="No migration matches">Register one on the page of migrations.</EmptyState>
              ) : (
                <ul className="cards">
                  {migrations.map((migration) => {
                    const active = migration.lastRun !== null && isActive(migration.lastRun.state);
                    return (
                      <li key={migration.id}>
                        <div className="row between">
                          {active ? (
                            <span className="soft">{migration.name}</span>
                          ) : (
                            <Link className="link medium" to={`/migrations/${migration.id}/new?step=preflight`}>
                              {migration.name}
                            </Link>
                          )}
                          <StatePill state={migration.lastRun?.state ?? "never"} />
                        </div>
                        <span className="xs muted">
                          plan {migration.plan} v{migration.planVersion}
                          {active && " · a run is active; one at a time"}
                        </span>
                      </li>
                    );
                  })}
                </ul>
              )
            }
          </Loaded>
          <More {...query} word="More migrations" />
        </Card>
      </div>
    </>
  );
}
