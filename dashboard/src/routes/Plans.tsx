import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { Link } from "react-router";
import { plansQuery } from "../api/queries";
import { Ago } from "../components/Ago";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { Num } from "../components/Num";
import { SearchField } from "../components/SearchField";
import { counted } from "../format/number";
import { useListKeys } from "../keys/useListKeys";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { Loaded } from "./Loaded";

/** Every plan in its newest version. */
export function Plans() {
  useTitle("Plans");
  useCrumbs([{ word: "Plans" }]);
  const address = useAddress();
  const query = useQuery(plansQuery());
  const wanted = address.get("search").toLowerCase();
  const table = useRef<HTMLTableElement>(null);
  useListKeys(table);
  return (
    <>
      <Head title="Plans" facts={query.data && <span>{counted(query.data.plans.length, "plan")}</span>} />
      <div className="row wrap filters">
        <SearchField label="Name" value={address.get("search")} onChange={(search) => address.set({ search })} />
      </div>
      <Loaded query={query} label="Loading plans">
        {({ plans }) => {
          const shown = plans.filter((plan) => plan.name.toLowerCase().includes(wanted));
          if (shown.length === 0)
            return (
              <div className="card">
                <EmptyState title={plans.length === 0 ? "No plan yet" : "No plan matches"} icon="plan">
                  {plans.length === 0 ? "Put one into the ledger: transfuse run does it, or an upload through the API." : "None has this name."}
                </EmptyState>
              </div>
            );
          return (
            <section className="card" aria-label="Plans">
              <table className="table" ref={table}>
                <thead>
                  <tr>
                    <th scope="col">Plan</th>
                    <th scope="col">Version</th>
                    <th scope="col" className="num">
                      Mappings
                    </th>
                    <th scope="col">Saved</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((plan) => (
                    <tr key={plan.name}>
                      <th scope="row">
                        <Link className="medium" to={`/plans/${plan.name}`}>
                          {plan.name}
                        </Link>
                      </th>
                      <td className="soft">v{plan.version}</td>
                      <td className="num">
                        <Num value={plan.mappings} />
                      </td>
                      <td className="soft">
                        <Ago at={plan.createdAt} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          );
        }}
      </Loaded>
    </>
  );
}
