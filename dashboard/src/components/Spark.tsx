/** A small line of the last values, from 0 to `highest`; its words stand beside it. */
export function Spark({ values, highest, label }: { values: readonly number[]; highest: number; label: string }) {
  const step = values.length > 1 ? 96 / (values.length - 1) : 0;
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(23 - (22 * Math.min(value, highest)) / (highest || 1)).toFixed(1)}`);
  return (
    <svg className="spark" viewBox="0 0 96 24" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline vectorEffect="non-scaling-stroke" points={points.join(" ")} />
    </svg>
  );
}
