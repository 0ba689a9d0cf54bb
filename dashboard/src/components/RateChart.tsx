import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ThroughputBucket } from "../api/types";
import { grouped, rate, tick } from "../format/number";
import { clock, clockSeconds } from "../format/time";

const HEIGHT = 190;
const SHORT_SECONDS = 600;
const NO_NOTES: readonly ChartNote[] = [];

export interface ChartNote {
  at: string;
  text: string;
}

interface RateChartProps {
  points: readonly ThroughputBucket[];
  bucketSeconds: number;
  average: number;
  /** What happened, on the same axis of time. */
  notes?: readonly ChartNote[];
}

/** The chart in one sentence: what it shows now, its average, its lowest point. */
export function chartSentence(points: readonly ThroughputBucket[], average: number, bucketSeconds: number): string {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return "No rows have settled yet.";
  const lowest = points.reduce((low, point) => (point.rowsPerSecond < low.rowsPerSecond ? point : low), last);
  const minutes = bucketSeconds / 60;
  const refused = points.reduce((sum, point) => sum + point.quarantinedPerMinute * minutes, 0);
  return (
    `Rows settled per second since ${clock(new Date(first.at))}: now ${rate(last.rowsPerSecond)}, average ${rate(average)}, ` +
    `lowest ${rate(lowest.rowsPerSecond)} at ${clock(new Date(lowest.at))}. About ${grouped(Math.round(refused))} quarantined in this time.`
  );
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "currentColor";
}

/** What the browser makes of a token: canvas knows no light-dark(). */
function resolved(host: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  host.append(probe);
  const found = getComputedStyle(probe).color || colour(name);
  probe.remove();
  return found;
}

function options(host: HTMLElement, width: number, average: number, notes: readonly ChartNote[]): uPlot.Options {
  const [ink, line, running, quarantined] = ["--ink-3", "--line", "--running", "--quarantined"].map((name) => resolved(host, name));
  const ground = resolved(host, "--surface");
  const text = { stroke: ink ?? "", font: "11px Inter Variable, sans-serif" };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: {
      y: { range: (_, __, high) => [0, Math.max(high, average, 1) * 1.1] },
      q: { range: (_, __, high) => [0, Math.max(high, 1) * 6] },
    },
    axes: [
      { ...text, grid: { show: false }, ticks: { show: false }, space: 72, values: (chart, at) => at.map((value) => timeOf(value, chart)) },
      { ...text, size: 40, space: 36, grid: { stroke: line ?? "", width: 1 }, ticks: { show: false }, values: (_, at) => at.map(tick) },
    ],
    series: [
      {},
      { label: "rows/s", stroke: running ?? "", width: 1.75, fill: faded(running ?? ""), points: { show: false } },
      {
        label: "quarantined",
        scale: "q",
        fill: quarantined ?? "",
        stroke: quarantined ?? "",
        width: 0,
        points: { show: false },
        ...(uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.6, 8, 2] }) } : {}),
      },
    ],
    hooks: { draw: [(chart) => annotate(chart, average, notes, { ink: ink ?? "", running: running ?? "", ground })] },
  };
}

/** A tick of the axis of time: a short run needs its seconds. */
function timeOf(seconds: number, { scales }: uPlot): string {
  const shown = (scales.x?.max ?? 0) - (scales.x?.min ?? 0);
  return (shown < SHORT_SECONDS ? clockSeconds : clock)(new Date(seconds * 1000));
}

function faded(of: string): string {
  const found = /^rgb\((\d+),? (\d+),? (\d+)\)$/.exec(of);
  return found ? `rgba(${found[1] ?? ""}, ${found[2] ?? ""}, ${found[3] ?? ""}, 0.1)` : "transparent";
}

interface Inks {
  ink: string;
  running: string;
  ground: string;
}

function annotate(chart: uPlot, average: number, notes: readonly ChartNote[], inks: Inks): void {
  const { ctx } = chart;
  const { left, width, top, height } = chart.bbox;
  ctx.save();
  ctx.strokeStyle = inks.ink;
  ctx.fillStyle = inks.ink;
  ctx.font = `${11 * devicePixelRatio}px Inter Variable, sans-serif`;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  const level = Math.round(chart.valToPos(average, "y", true)) + 0.5;
  ctx.moveTo(left, level);
  ctx.lineTo(left + width, level);
  ctx.stroke();
  for (const note of notes) {
    const x = chart.valToPos(Date.parse(note.at) / 1000, "x", true);
    if (x < left || x > left + width) continue;
    const before = x > left + width * 0.75;
    ctx.textAlign = before ? "right" : "left";
    ctx.fillText(note.text, x + (before ? -6 : 6) * devicePixelRatio, top + height - 8 * devicePixelRatio);
    ctx.beginPath();
    ctx.moveTo(x, top + height * 0.35);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  head(chart, inks);
  ctx.restore();
}

/** The point of now. */
function head(chart: uPlot, inks: Inks): void {
  const x = chart.data[0].at(-1);
  const y = chart.data[1]?.at(-1);
  if (x === undefined || y === undefined || y === null) return;
  const { ctx } = chart;
  ctx.beginPath();
  ctx.arc(chart.valToPos(x, "x", true), chart.valToPos(y, "y", true), 4 * devicePixelRatio, 0, 2 * Math.PI);
  ctx.fillStyle = inks.running;
  ctx.strokeStyle = inks.ground;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.fill();
  ctx.stroke();
}

/** Rows per second from 0, and rows quarantined on the same axis of time; nothing is smoothed. */
export function RateChart({ points, bucketSeconds, average, notes = NO_NOTES }: RateChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const sentence = chartSentence(points, average, bucketSeconds);
  const data = useMemo<uPlot.AlignedData>(
    () => [
      points.map((point) => Date.parse(point.at) / 1000),
      points.map((point) => point.rowsPerSecond),
      points.map((point) => point.quarantinedPerMinute),
    ],
    [points],
  );
  useEffect(() => {
    const box = host.current;
    if (!box || points.length === 0) return;
    let chart = new uPlot(options(box, box.clientWidth, average, notes), data, box);
    const redraw = (): void => {
      chart.destroy();
      chart = new uPlot(options(box, box.clientWidth, average, notes), data, box);
    };
    const widths = new ResizeObserver(() => {
      if (box.clientWidth !== chart.width) chart.setSize({ width: box.clientWidth, height: HEIGHT });
    });
    widths.observe(box);
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", redraw);
    return () => {
      system.removeEventListener("change", redraw);
      theme.disconnect();
      widths.disconnect();
      chart.destroy();
    };
  }, [data, average, notes, points.length]);
  return (
    <figure>
      <div className="chart-box" ref={host} role="img" aria-label={sentence} />
      <details className="xs muted">
        <summary>The same as a table</summary>
        <div className="scroll-x" role="region" aria-label="Rows per second by time" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col" className="num">
                  Rows/s
                </th>
                <th scope="col" className="num">
                  Quarantined a minute
                </th>
              </tr>
            </thead>
            <tbody>
              {points.map((point) => (
                <tr key={point.at}>
                  <th scope="row">{clockSeconds(new Date(point.at))}</th>
                  <td className="num">{rate(point.rowsPerSecond)}</td>
                  <td className="num">{rate(point.quarantinedPerMinute)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
