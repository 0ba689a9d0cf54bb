import { classes } from "./classes";

export type LineState = "live" | "reconnecting" | "ended";

/** Whether figures move by themselves. The dot breathes only while they do. */
export function Live({ state }: { state: LineState }) {
  const words = { live: "Live", reconnecting: "Reconnecting", ended: "Not live" }[state];
  return (
    <span className={classes("live", state !== "live" && "off")} role="status">
      {state !== "ended" && <i aria-hidden="true" />}
      {words}
    </span>
  );
}
