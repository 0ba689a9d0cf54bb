import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useNavigate } from "react-router";
import { migrationsQuery, plansQuery } from "../api/queries";
import { CommandSearch, type Found } from "../components/CommandSearch";
import { useSession } from "../live/SessionStore";
import { STATES } from "../words/states";
import { PLACES } from "./Navigation";

/** Everything that can be found: migrations, their last runs, plans, pages. */
export function Find({ open, onClose }: { open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const things = useThings(open);
  return (
    <CommandSearch
      open={open}
      things={things}
      onClose={onClose}
      onChoose={(to) => {
        onClose();
        void navigate(to);
      }}
    />
  );
}

function useThings(open: boolean): readonly Found[] {
  const permissions = useSession((session) => session.me?.permissions);
  const { data: listed } = useInfiniteQuery({ ...migrationsQuery(), enabled: open });
  const { data: plans } = useQuery({ ...plansQuery(), enabled: open });
  return useMemo(() => {
    const migrations = listed?.pages.flatMap((page) => page.migrations) ?? [];
    return [
      ...migrations.map((migration): Found => ({
        id: `m-${migration.id}`,
        word: migration.name,
        remark: "migration",
        icon: "migrations",
        to: `/migrations/${migration.id}`,
      })),
      ...migrations.flatMap((migration): Found[] =>
        migration.lastRun
          ? [
              {
                id: `r-${migration.lastRun.id}`,
                word: `${migration.name}, last run`,
                remark: STATES[migration.lastRun.state].word,
                icon: STATES[migration.lastRun.state].icon,
                to: `/runs/${migration.lastRun.id}`,
              },
            ]
          : [],
      ),
      ...(plans?.plans ?? []).map((plan): Found => ({
        id: `p-${plan.name}`,
        word: plan.name,
        remark: "plan",
        icon: "plan",
        to: `/plans/${plan.name}`,
      })),
      ...PLACES.filter((place) => permissions?.includes(place.permission)).map((place): Found => ({
        id: `s-${place.word}`,
        word: place.word,
        remark: "page",
        icon: place.icon,
        to: place.to,
      })),
    ];
  }, [listed, plans, permissions]);
}
