import { DRAWINGS, type IconName } from "./drawings";
import { classes } from "./classes";

/** An icon. It says nothing by itself: a word stands beside it, or the control around it has a name. */
export function Icon({ name, small = false }: { name: IconName; small?: boolean }) {
  return (
    <svg className={classes("i", small && "sm")} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {DRAWINGS[name]}
    </svg>
  );
}
