/** Live lines over steps. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { meanOf } from "../../util/statistics/sums.js";

/** One line, its run's steps and values; null is a gap. */
export interface Line {
  readonly label: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
  /** Index of its colour. */
  readonly color: number;
  readonly dashed?: boolean;
  /** Values between which the truth probably lies, one pair a step. */
  readonly band?: { readonly low: readonly number[]; readonly high: readonly number[] };
  /** Draw the points too: there are few. */
  readonly points?: boolean;
}

export interface ChartProps {
  readonly title: string;
  /** What it means, in a sentence. */
  readonly about?: string;
  readonly lines: readonly Line[];
  readonly format: (value: number | null | undefined) => string;
  /** Fixed ends of the value axis. */
  readonly range?: readonly [number, number];
  readonly height?: number;
}

/** Distinct colours for lines, set in the style sheet for light and dark. */
export const colors = 8;

const themeQuery = "(prefers-color-scheme: dark)";

function useTheme(): boolean {
  const [dark, setDark] = useState(() => matchMedia(themeQuery).matches);
  useEffect(() => {
    const media = matchMedia(themeQuery);
    const changed = (): void => setDark(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return dark;
}

/** Distances between marks on the axis of steps: whole ones. */
const wholeSteps: number[] = [1, 2, 5]
  .flatMap((digit) => Array.from({ length: 7 }, (_, power) => digit * 10 ** power))
  .toSorted((a, b) => a - b);

/** The value axis, down to 0 where that leaves the line enough room. */
function withZero(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  const bottom = low >= 0 && low < 0.6 * high ? 0 : low - room;
  return [low === 0 ? 0 : bottom, high + room];
}

/** Finite numbers as they are; anything else is a gap: uPlot's axes do not survive infinities. */
const drawable = (value: number | null | undefined): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** All lines over the union of their steps. */
function aligned(lines: readonly Line[]): uPlot.AlignedData {
  const tables = lines.flatMap((line): uPlot.AlignedData[] => {
    const columns = [
      line.values,
      ...(line.band === undefined ? [] : [line.band.low, line.band.high]),
    ];
    const rows = columns.map((values) => line.steps.map((_, i) => drawable(values[i])));
    return [[[...line.steps], ...rows]];
  });
  if (tables.length === 1) return tables[0]!;
  // A step that another run lacks is spanned, not a gap.
  return tables.length === 0
    ? [[]]
    : uPlot.join(
        tables,
        tables.map((table) => table.map(() => 2 as const)),
      );
}

export function Chart({ title, about, lines, format, range, height = 150 }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [cursor, setCursor] = useState<number | null>(null);
  const dark = useTheme();
  const data = useMemo(() => aligned(lines), [lines]);
  const shape = lines
    .map((l) => `${l.label}|${l.color}|${l.band !== undefined}|${l.dashed}`)
    .join();

  useLayoutEffect(() => {
    const element = host.current!;
    const style = getComputedStyle(element);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    for (const line of lines) {
      const stroke = color(`--s${line.color % colors}`);
      series.push({
        stroke,
        width: 2,
        spanGaps: true,
        points: { show: line.points === true || line.values.length === 1, size: 5, fill: stroke },
        ...(line.dashed === true ? { dash: [6, 4] } : {}),
      });
      if (line.band === undefined) continue;
      const at = series.length;
      series.push({ width: 0, points: { show: false }, spanGaps: true });
      series.push({ width: 0, points: { show: false }, spanGaps: true });
      bands.push({ series: [at + 1, at], fill: `${stroke}2b` });
    }
    const axis: uPlot.Axis = {
      stroke: color("--muted"),
      grid: { stroke: color("--grid"), width: 1 },
      ticks: { stroke: color("--grid"), width: 1, size: 4 },
      font: "11px system-ui, sans-serif",
    };
    const made = new uPlot(
      {
        width: Math.max(160, element.clientWidth),
        height,
        series,
        bands,
        scales: {
          x: { time: false },
          y: { range: range === undefined ? withZero : [range[0], range[1]] },
        },
        axes: [
          { ...axis, space: 60, size: 26, incrs: wholeSteps },
          { ...axis, size: 52, space: 34, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        hooks: { setCursor: [(u) => setCursor(u.cursor.idx ?? null)] },
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      const width = Math.max(160, element.clientWidth);
      if (width !== made.width) made.setSize({ width, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, dark, height, range?.[0], range?.[1]]);

  useLayoutEffect(() => plot.current?.setData(data), [data]);

  const at = cursor !== null && cursor < data[0].length ? cursor : null;
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const u = plot.current;
    if (by === undefined || u === undefined || data[0].length === 0) return;
    event.preventDefault();
    const last = data[0].length - 1;
    const next = Math.min(last, Math.max(0, (at ?? (by < 0 ? last + 1 : -1)) + by));
    u.setCursor({ left: u.valToPos(data[0][next]!, "x"), top: 1 });
  };
  const told = lines.map((line) => ({
    line,
    value: valueAt(line, at === null ? undefined : data[0][at]),
  }));
  const summary = told.map(({ line, value }) => `${line.label} ${format(value)}`).join(", ");
  return (
    <figure class="chart" tabIndex={0} onKeyDown={move} aria-label={`${title}: ${summary}`}>
      <figcaption>
        <span class="chart-title" title={about}>
          {title}
        </span>
        <span class="chart-step">{at === null ? "now" : `step ${data[0][at]}`}</span>
      </figcaption>
      <div class="chart-values">
        {told.map(({ line, value }) => (
          <span key={line.label} class={`value c${line.color % colors}`}>
            <i class={line.dashed === true ? "key dashed" : "key"} aria-hidden="true" />
            {lines.length > 1 && <span class="value-label">{line.label}</span>}
            <b>{format(value)}</b>
          </span>
        ))}
      </div>
      <div ref={host} class="plot" aria-hidden="true" />
    </figure>
  );
}

/** A line's value at a step, or its last. */
function valueAt(line: Line, step: number | undefined): number | null | undefined {
  if (step === undefined) return line.values.findLast((value) => value !== null);
  const index = line.steps.findLastIndex((s) => s <= step);
  return index === -1 ? null : line.values[index];
}

/** A small line without axes: the course of one value. */
export function Spark({
  values,
  label,
}: {
  readonly values: readonly (number | null)[];
  readonly label: string;
}) {
  const points = smoothed(values, 40);
  const top = Math.max(1e-9, ...points);
  const path = points
    .map(
      (value, i) =>
        `${((100 * i) / Math.max(1, points.length - 1)).toFixed(1)},${(28 - (26 * value) / top).toFixed(1)}`,
    )
    .join(" ");
  return (
    <svg
      class="spark"
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <polyline points={path} />
    </svg>
  );
}

/** Means over at most `most` pieces. */
function smoothed(values: readonly (number | null)[], most: number): number[] {
  const size = Math.max(1, Math.ceil(values.length / most));
  const means: number[] = [];
  for (let i = 0; i < values.length; i += size) {
    const piece = values.slice(i, i + size).filter((value): value is number => value !== null);
    if (piece.length > 0) means.push(meanOf(piece));
  }
  return means;
}
