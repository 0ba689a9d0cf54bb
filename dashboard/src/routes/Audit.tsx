import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "../api/client";
import { auditQuery } from "../api/queries";
import type { Chain } from "../api/types";
import { AuditTable } from "../components/AuditTable";
import { Button } from "../components/Button";
import { EmptyState } from "../components/EmptyState";
import { Head } from "../components/Head";
import { SearchField } from "../components/SearchField";
import { Select } from "../components/Select";
import { Verdict } from "../components/Verdict";
import { useNow } from "../components/clock";
import { counted, grouped } from "../format/number";
import { ago, zone } from "../format/time";
import { ACTIONS } from "../words/actions";
import { spoken } from "../words/identifiers";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { Loaded } from "./Loaded";
import { More } from "./More";

const DAY_MS = 86_400_000;
const TIMES = [
  { value: "", word: "any" },
  { value: "1", word: "last day" },
  { value: "7", word: "last 7 days" },
  { value: "30", word: "last 30 days" },
];

/** Whether the chain is whole; then who did what. */
export function Audit() {
  useTitle("Audit");
  useCrumbs([{ word: "Audit" }]);
  const mayRead = useMay("audit:read");
  if (!mayRead)
    return (
      <EmptyState title="No permission" page icon="lock">
        Reading the audit needs <span className="mono">audit:read</span>. An administrator has it.
      </EmptyState>
    );
  return <Entries />;
}

function Entries() {
  const address = useAddress();
  const now = useNow(10);
  const days = Number(address.get("days"));
  // From the start of a day, so that the question stays the same while it is read.
  const since = days > 0 ? new Date((Math.floor(now.getTime() / DAY_MS) - days) * DAY_MS).toISOString() : "";
  const query = useInfiniteQuery(auditQuery({ actor: address.get("who"), action: address.get("action"), objectId: address.get("about"), from: since }));
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  const chain = query.data?.pages[0]?.chain;
  return (
    <>
      <Head title="Audit" facts={<span>Who did what, who looked, who was refused. Times in {zone()}</span>} />
      {chain && <ChainVerdict chain={chain} now={now} />}
      <div className="row wrap filters" role="group" aria-label="Filters">
        <SearchField label="Who" value={address.get("who")} onChange={(who) => address.set({ who })} />
        <Select
          label="Action"
          value={address.get("action")}
          choices={[{ value: "", word: "any" }, ...ACTIONS.map((value) => ({ value, word: value }))]}
          onChange={(action) => address.set({ action })}
        />
        <SearchField label="About, by its id" value={address.get("about")} onChange={(about) => address.set({ about })} />
        <Select label="Time" value={address.get("days")} choices={TIMES} onChange={(next) => address.set({ days: next })} />
      </div>
      <Loaded query={query} label="Loading the audit">
        {() =>
          entries.length > 0 ? (
            <>
              <AuditTable entries={entries} now={now} />
              <More {...query} word="Earlier entries" />
            </>
          ) : (
            <div className="card">
              <EmptyState
                title="No entry matches"
                action={<Button onClick={() => address.set({ who: "", action: "", about: "", days: "" })}>Clear filters</Button>}
              >
                Nothing of this kind is recorded.
              </EmptyState>
            </div>
          )
        }
      </Loaded>
    </>
  );
}

/** What is known of the chain, as a verdict. */
export function chainVerdict(chain: Chain, now: Date): { ground: "completed" | "failed" | "attention"; headline: string; detail: string } {
  const checked = chain.checkedAt === null ? "" : `checked ${ago(new Date(chain.checkedAt), now)}`;
  if (chain.verified === "whole")
    return {
      ground: "completed",
      headline: "The chain is whole.",
      detail: `${counted(chain.count, "entry", "entries")}, each sealed with the one before, ${checked}.`,
    };
  if (chain.verified === "broken")
    return {
      ground: "failed",
      headline: `The chain is broken${chain.brokenAt === null ? "" : ` at entry ${grouped(chain.brokenAt)}`}.`,
      detail: `${chain.fault === null ? "" : `${spoken(chain.fault)}. `}Entries before it are proven; ${checked}.`,
    };
  return { ground: "attention", headline: "The chain was not checked yet.", detail: "Nothing is known to be wrong. Check it now." };
}

function ChainVerdict({ chain, now }: { chain: Chain; now: Date }) {
  const client = useQueryClient();
  const check = useMutation({
    mutationFn: () => api.getAudit({ verify: true, limit: 1 }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["audit"] }),
  });
  return (
    <Verdict verdict={chainVerdict(chain, now)} icon={chain.verified === "whole" ? "audit" : undefined}>
      <Button busy={check.isPending} onClick={() => check.mutate()}>
        Check now
      </Button>
    </Verdict>
  );
}
