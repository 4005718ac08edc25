/**
 * Charts as HTML: lines and intervals are SVG that stretches, labels are text that does not, so
 * they can be read at any width. Colours are the classes `series-0` to `series-7` of the page.
 */

/** Text made safe for HTML. */
export function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** One line of a chart, with a band around it. */
export interface Series {
  readonly name: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly low?: number;
    readonly high?: number;
  }[];
  /** Index of its colour. */
  readonly colour: number;
  readonly dashed?: boolean;
}

/** A chart of lines over a numeric axis. */
export interface LineChart {
  readonly title: string;
  /** What it shows, for who cannot see it. */
  readonly description: string;
  readonly x: { readonly label: string; readonly from: number; readonly to: number };
  readonly y: { readonly label: string; readonly from: number; readonly to: number };
  readonly series: readonly Series[];
  /** A level to compare with, drawn across. */
  readonly reference?: { readonly y: number; readonly label: string };
  /** What it is of, in a sentence below the title. */
  readonly about?: string;
  /** Without names of lines and axes, for small charts that share them. */
  readonly bare?: boolean;
}

const precision = (x: number): string => String(Math.round(x * 100) / 100);

/** A chart of lines with bands. */
export function lineChart({
  title,
  description,
  x,
  y,
  series,
  reference,
  about = "",
  bare,
}: LineChart): string {
  const across = (value: number): number => (100 * (value - x.from)) / (x.to - x.from || 1);
  const up = (value: number): number => 100 - (100 * (value - y.from)) / (y.to - y.from || 1);
  const clamp = (value: number): number => Math.min(101, Math.max(-1, value));
  const at = (px: number, py: number): string =>
    `${precision(across(px))},${precision(clamp(up(py)))}`;
  const shapes = series.map(({ points, colour, dashed }) => {
    const banded = points.filter((p) => p.low !== undefined && p.high !== undefined);
    const band =
      banded.length < 2
        ? ""
        : `<polygon class="band series-${colour}" points="${[
            ...banded.map((p) => at(p.x, p.high!)),
            ...banded.toReversed().map((p) => at(p.x, p.low!)),
          ].join(" ")}"/>`;
    const line = `<polyline class="line series-${colour}${dashed === true ? " dashed" : ""}" points="${points
      .map((p) => at(p.x, p.y))
      .join(" ")}"/>`;
    return band + line;
  });
  const yTicks = ticks(y.from, y.to, 5);
  const xTicks = ticks(x.from, x.to, 5);
  const grid = yTicks.map(
    (t) => `<line class="grid" x1="0" x2="100" y1="${precision(up(t))}" y2="${precision(up(t))}"/>`,
  );
  const level =
    reference === undefined
      ? ""
      : `<line class="reference" x1="0" x2="100" y1="${precision(up(reference.y))}" y2="${precision(up(reference.y))}"/>`;
  const axisLabels = `<div class="labels" aria-hidden="true"><span>${escape(y.label)}</span>${reference === undefined ? "" : `<span class="muted">dashed: ${escape(reference.label)}</span>`}<span>${escape(x.label)}</span></div>`;
  return `<figure class="chart">
<figcaption>${escape(title)}${about === "" ? "" : `<small>${escape(about)}</small>`}</figcaption>
<div class="plot">
<div class="y-axis" aria-hidden="true">${yTicks.map((t) => `<span style="top:${precision(up(t))}%">${precision(t)}</span>`).join("")}</div>
<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img"><title>${escape(title)}</title><desc>${escape(description)}</desc>${grid.join("")}${level}${shapes.join("")}</svg>
<div class="x-axis" aria-hidden="true">${xTicks.map((t) => `<span style="left:${precision(across(t))}%">${precision(t)}</span>`).join("")}</div>
${bare === true ? "" : axisLabels}
</div>
${bare === true ? "" : legend(series)}
</figure>`;
}

/** Names and colours of lines. */
export function legend(series: readonly Series[]): string {
  const entry = ({ name, colour }: Series): string =>
    `<li><span class="swatch series-${colour}"></span>${escape(name)}</li>`;
  return `<ul class="legend">${series.map(entry).join("")}</ul>`;
}

/** About `count` round numbers from `from` to `to`. */
export function ticks(from: number, to: number, count: number): number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw) ?? 10);
  const list: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++)
    list.push(Number((i * step).toPrecision(10)));
  return list;
}

/** One row of a forest plot. */
export interface ForestRow {
  readonly label: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Beside the bar. */
  readonly text: string;
  readonly colour: number;
  /** What is claimed: a mark of its own. */
  readonly target?: number;
}

/** A forest plot: an estimate with its interval in every row, over one axis. */
export function forestPlot(options: {
  readonly title: string;
  readonly description: string;
  readonly axis: string;
  readonly rows: readonly ForestRow[];
  /** Where a vertical line stands: no difference, or the arm compared with. */
  readonly reference?: number;
  readonly from?: number;
  readonly to?: number;
}): string {
  const { title, description, axis, rows, reference } = options;
  const shown = rows.filter((r) => !Number.isNaN(r.mean));
  const values = [
    ...shown.flatMap((r) => [r.low, r.high, r.target ?? r.mean]),
    ...(reference === undefined ? [] : [reference]),
  ];
  const from = options.from ?? Math.min(...values);
  const to = options.to ?? Math.max(...values);
  const pad = (to - from || 1) * 0.04;
  const across = (value: number): string =>
    precision(Math.min(101, Math.max(-1, (100 * (value - from + pad)) / (to - from + 2 * pad))));
  const stem = (value: number, cssClass: string): string =>
    `<line class="${cssClass}" x1="${across(value)}" x2="${across(value)}" y1="0" y2="10"/>`;
  const bar = ({ mean, low, high, colour, target }: ForestRow): string =>
    Number.isNaN(mean)
      ? ""
      : `<line class="interval series-${colour}" x1="${across(low)}" x2="${across(high)}" y1="5" y2="5"/>` +
        `<line class="estimate series-${colour}" x1="${across(mean)}" x2="${across(mean)}" y1="5" y2="5"/>` +
        (target === undefined ? "" : stem(target, "target"));
  /** Says where an estimate lies that the axis does not reach. */
  const text = (r: ForestRow): string => {
    if (r.mean < from) return `\u25C2 ${r.text}`;
    return r.mean > to ? `${r.text} \u25B8` : r.text;
  };
  const row = (r: ForestRow): string =>
    `<div class="forest-row"><span class="forest-label">${escape(r.label)}</span>` +
    `<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>${escape(`${r.label}: ${r.text}`)}</title>` +
    `${reference === undefined ? "" : stem(reference, "reference")}${bar(r)}</svg>` +
    `<span class="forest-text">${escape(text(r))}</span></div>`;
  const marks = ticks(from, to, 5).map(
    (t) => `<span style="left:${across(t)}%">${precision(t)}</span>`,
  );
  return `<figure class="forest">
<figcaption>${escape(title)}</figcaption>
<p class="visually-hidden">${escape(description)}</p>
${rows.map(row).join("\n")}
<div class="forest-row axis" aria-hidden="true"><span class="forest-label muted">${escape(axis)}</span><div class="x-axis">${marks.join("")}</div><span class="forest-text"></span></div>
</figure>`;
}

/** A table, folded away behind `summary` where that is given. */
export function htmlTable(
  {
    head,
    rows,
  }: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] },
  summary?: string,
): string {
  const cells = (row: readonly string[], tag: "th" | "td"): string =>
    row
      .map((cell, i) => {
        if (tag === "th") return `<th scope="col">${escape(cell)}</th>`;
        if (i === 0) return `<th scope="row">${escape(cell)}</th>`;
        const kind = cell.length > 40 ? "prose" : "short";
        return `<td class="${kind}">${escape(cell)}</td>`;
      })
      .join("");
  const table = `<div class="scroll" tabindex="0" role="region" aria-label="${escape(summary ?? "table")}"><table><thead><tr>${cells(head, "th")}</tr></thead><tbody>${rows.map((r) => `<tr>${cells(r, "td")}</tr>`).join("")}</tbody></table></div>`;
  return summary === undefined
    ? table
    : `<details><summary>${escape(summary)}</summary>${table}</details>`;
}
