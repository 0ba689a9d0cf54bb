/** Bullets in the shape of the type, never in the length of the value. */
const SHAPES: Record<string, string> = {
  date: "••••-••-••",
  timestamp: "••••-••-•• ••:••",
  time: "••:••",
  number: "•••.••",
  digits: "•••••••",
  hex: "••••••••",
  integer: "•••••••",
  uuid: "••••••••-••••",
  boolean: "••••",
  json: "{ •••• }",
};

/** A value that is not shown, by its kind. */
export function Masked({ kind }: { kind: string }) {
  // That there is nothing says nothing of anybody.
  if (kind === "null") return <span className="muted">NULL</span>;
  return (
    <>
      <span className="masked" aria-hidden="true">
        {SHAPES[kind] ?? "••••••••••••"}
      </span>
      <span className="sr">masked,</span> <small>{kind}</small>
    </>
  );
}
