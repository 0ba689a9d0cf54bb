import { grouped, rate } from "../format/number";

interface NumProps {
  value: number | null | undefined;
  /** Puts "about" before it. */
  estimated?: boolean;
  /** A rate: four figures instead of all. */
  asRate?: boolean;
}

/** A number, grouped and in full. What does not apply is a dash; 0 is written. */
export function Num({ value, estimated = false, asRate = false }: NumProps) {
  if (value === null || value === undefined) return <span className="muted">–</span>;
  return (
    <>
      {estimated && "about "}
      {asRate ? rate(value) : grouped(value)}
    </>
  );
}
