import { useQuery } from "@tanstack/react-query";
import { planQuery } from "../api/queries";
import type { Migration } from "../api/types";
import { Choice } from "../components/Choice";
import { useAddress } from "../shell/useAddress";
import { Loaded } from "./Loaded";
import { chosenOf } from "./newRun";

/** The whole plan, or some of its mappings. */
export function ChooseMappings({ migration }: { migration: Migration }) {
  const address = useAddress();
  const chosen = chosenOf(address.get);
  const query = useQuery({ ...planQuery(migration.plan, migration.planVersion), enabled: chosen !== null });
  return (
    <fieldset className="stack tight">
      <legend className="label mb-2">Mappings</legend>
      <Choice
        word="Only some mappings"
        remark="The others stay as they are. Rows that the chosen ones refer to have to be in the target."
        checked={chosen !== null}
        onChange={(checked) => address.set({ some: checked, only: "" })}
      />
      {chosen && (
        <Loaded query={query} label="Loading the mappings">
          {(plan) => (
            <div className="grid gap-2 sm:grid-cols-2" role="group" aria-label="Mappings of the plan">
              {plan.mappings.map(({ name, target }) => (
                <Choice
                  key={name}
                  word={name}
                  remark={`into ${target}`}
                  checked={chosen.includes(name)}
                  onChange={(checked) => {
                    const wanted = new Set(checked ? [...chosen, name] : chosen.filter((other) => other !== name));
                    // In the order of the plan, whatever the order of the clicks.
                    address.set({ only: plan.mappings.map((mapping) => mapping.name).filter((known) => wanted.has(known)).join(",") });
                  }}
                />
              ))}
            </div>
          )}
        </Loaded>
      )}
    </fieldset>
  );
}
