import { STATES, type PillState } from "../words/states";
import { Icon } from "./Icon";
import { classes } from "./classes";

interface StatePillProps {
  state: PillState;
  /** A dry run has words of its own. */
  dryRun?: boolean;
  /** Other words than the state's, with its colour and icon. */
  word?: string;
}

/** A state: its colour, its icon and its word. */
export function StatePill({ state, dryRun = false, word }: StatePillProps) {
  const shown = STATES[state];
  const said = word ?? shown.word;
  return (
    <span className={classes("pill", shown.tone)}>
      <Icon name={shown.icon} />
      {dryRun ? `Dry run ${said.toLowerCase()}` : said}
    </span>
  );
}
