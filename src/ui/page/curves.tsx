/** The curves of one or several runs, as small charts over the same steps. */
import { useMemo } from "preact/hooks";
import type { Series } from "../api.js";
import { panels, type Panel } from "../panels.js";
import { Chart, type ChartProps, type Line } from "./chart.js";
import { count, magnitude, percent, plain } from "./format.js";

/** A run and its series. */
export interface Named {
  readonly name: string;
  readonly series: Series;
}

const formats: Readonly<Record<Panel["unit"], ChartProps["format"]>> = {
  share: percent,
  "fine share": (value) => percent(value, 1),
  number: plain,
  magnitude: (value) => (value === null || value === undefined ? "–" : magnitude(value)),
};

const share: readonly [number, number] = [0, 1];

export function Curves({ runs }: { readonly runs: readonly Named[] }) {
  const accuracy = useMemo(() => runs.map(accuracyLine), [runs]);
  const rest = useMemo(
    () => panels.map((panel) => ({ panel, lines: linesOf(panel, runs) })),
    [runs],
  );
  const repeated = useMemo(() => (runs.length === 1 ? repeatedLines(runs[0]!.series) : []), [runs]);
  return (
    <div class="charts">
      <Chart
        title="Held-out accuracy"
        about="On tasks never trained on, with the 95% interval."
        lines={accuracy}
        format={percent}
        range={share}
        height={190}
      />
      {repeated.length > 0 && (
        <Chart
          title="Made again, by kind of mistake"
          about="Over the last 16 visits to each known mistake: how often the student repeats it."
          lines={repeated}
          format={percent}
          range={share}
          height={190}
        />
      )}
      {rest.map(
        ({ panel, lines }) =>
          lines.length > 0 && (
            <Chart key={panel.title} {...panel} lines={lines} format={formats[panel.unit]} />
          ),
      )}
    </div>
  );
}

function accuracyLine({ name, series }: Named, color: number): Line {
  const { evaluations } = series;
  return {
    label: name,
    steps: evaluations.map(({ step }) => step),
    values: evaluations.map(({ mean }) => mean),
    band: { low: evaluations.map(({ low }) => low), high: evaluations.map(({ high }) => high) },
    color,
    points: true,
  };
}

/** Most runs at which each panel still draws all of its metrics. */
const all = 1;

function linesOf({ keys, cap }: Panel, runs: readonly Named[]): Line[] {
  const drawn = runs.length > all ? keys.slice(0, 1) : keys;
  const lines = runs.flatMap(({ name, series }, run) =>
    drawn.flatMap(([key, label], i): Line[] => {
      const values = series.columns[key];
      if (
        values === undefined ||
        !values.some((value) => value !== null && (value !== 0 || isDrawnAtZero(key)))
      )
        return [];
      const single = runs.length === 1;
      return [
        { label: single ? label : name, steps: series.steps, values, color: single ? i : run },
      ];
    }),
  );
  if (lines.length === 0 || cap === undefined) return lines;
  const caps = runs.flatMap(({ name, series }, run): Line[] => {
    const value = cap(series);
    if (value === null || series.steps.length === 0) return [];
    return [
      {
        label: runs.length === 1 ? "cap" : `cap of ${name}`,
        steps: series.steps,
        values: series.steps.map(() => value),
        color: runs.length === 1 ? 3 : run,
        dashed: true,
      },
    ];
  });
  return [...lines, ...caps];
}

/** Whether a metric that is always 0 says something. */
const isDrawnAtZero = (key: string): boolean =>
  key.startsWith("group/") || key.startsWith("rollout/accuracy");

/** Most kinds of mistakes in one chart. */
const mostKinds = 6;

function repeatedLines({ repeated, steps }: Series): Line[] {
  return Object.entries(repeated)
    .filter(([name]) => name !== "unrecognised")
    .toSorted(([, a], [, b]) => countOf(b) - countOf(a))
    .slice(0, mostKinds)
    .map(([label, values], color) => ({ label, steps, values, color }));
}

const countOf = (values: readonly (number | null)[]): number =>
  values.reduce<number>((n, value) => n + (value ?? 0), 0);

/** What a run's curves say, in a sentence. */
export function headline({ evaluations, steps, columns }: Series): string {
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  if (first === undefined || last === undefined) return "Not evaluated yet.";
  const sum = (key: string): number => countOf(columns[key] ?? []);
  const [stuck, rescued] = [sum("group/stuck"), sum("group/rescued")];
  const course =
    first === last
      ? `Held-out accuracy ${percent(first.mean)} before training`
      : `Held-out accuracy went from ${percent(first.mean)} to ${percent(last.mean)} in ${count(last.step)} steps`;
  if (steps.length === 0) return `${course}.`;
  return `${course}; ${count(rescued)} of ${count(stuck)} stuck groups got a right attempt.`;
}
