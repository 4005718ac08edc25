/** One self-contained page of a run or of several: what came out in a sentence, then curves, mistakes, groups, cost. */
import {
  escape,
  htmlTable,
  legend,
  lineChart,
  type Series as Drawn,
} from "../../study/report/charts.js";
import { style } from "../../study/report/style.js";
import { lastOf, panels, type Panel } from "../panels.js";
import type { Card, CostReport, GroupDetail, MistakeMap, RunSummary, Series } from "../api.js";
import type { RunReader } from "../server/run-reader.js";
import { meanOf } from "../../util/statistics/sums.js";

/** What a run's part of the page is made of. */
interface Told {
  readonly summary: RunSummary;
  readonly series: Series;
  readonly map: MistakeMap;
  readonly cost: CostReport;
  /** A rescued group and a stuck one, where there are such. */
  readonly examples: readonly GroupDetail[];
}

/** The page. */
export async function runReport(runs: readonly RunReader[]): Promise<string> {
  const told = await Promise.all(runs.map(readRun));
  const title = told.map(({ summary }) => summary.name).join(", ");
  const single = told.length === 1 ? told[0] : undefined;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)} - Errata</title>
<style>${style}${own}</style>
</head>
<body>
<main>
<header>
<h1>${escape(single === undefined ? `${told.length} runs side by side` : title)}</h1>
<p class="lead">${escape(verdict(told))}</p>
</header>
${section("Runs", htmlTable(runTable(told)))}
${section("Curves", curves(told))}
${told.map((run) => section(heading("Mistakes", run, told), mistakes(run))).join("\n")}
${told.map((run) => section(heading("Groups", run, told), run.examples.map(group).join("\n"))).join("\n")}
${told.map((run) => section(heading("Cost", run, told), cost(run))).join("\n")}
<footer><p>Made again by</p><pre><code>errata report ${escape(told.map(({ summary }) => summary.name).join(" "))}</code></pre></footer>
</main>
</body>
</html>
`;
}

const section = (title: string, body: string): string =>
  body === "" ? "" : `<section><h2>${escape(title)}</h2>\n${body}\n</section>`;

const heading = (word: string, { summary }: Told, all: readonly Told[]): string =>
  all.length === 1 ? word : `${word}: ${summary.name}`;

async function readRun(run: RunReader): Promise<Told> {
  await run.groups.refresh();
  const examples: GroupDetail[] = [];
  for (const filter of ["rescued", "stuck"] as const) {
    const { rows } = await run.groups.page({ filter, text: "", offset: 0, limit: 50 });
    const row = filter === "stuck" ? rows.find(({ rescued }) => !rescued) : rows[0];
    const found = row === undefined ? undefined : await run.group(row.step, row.index);
    if (found !== undefined) examples.push(found);
  }
  return {
    summary: run.summary(),
    series: run.metrics.series(0),
    map: await run.map(),
    cost: run.cost(),
    examples,
  };
}

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? "-" : `${Math.round(100 * value)}%`;

/** Three digits, without an exponent. */
const rounded = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString("en-GB", { maximumSignificantDigits: 3 });

/** What came out, in one sentence. */
export function verdict(told: readonly Pick<Told, "summary" | "series">[]): string {
  const [first] = told;
  if (told.length === 1 && first !== undefined) {
    const { summary, series } = first;
    const [start, end] = [series.evaluations[0], series.evaluations.at(-1)];
    if (start === undefined || end === undefined)
      return `${summary.name} has done ${summary.step} of ${summary.steps} steps and was not evaluated yet.`;
    if (start === end)
      return `${summary.name} solves ${percent(start.mean)} of held-out tasks before training; it has done ${summary.step} of ${summary.steps} steps.`;
    const apart =
      end.low > start.high
        ? "learned"
        : end.high < start.low
          ? "got worse"
          : "did not change clearly";
    const course = `from ${percent(start.mean)} to ${percent(end.mean)} of held-out tasks in ${end.step} steps`;
    const state =
      summary.state === "finished"
        ? ""
        : ` It is not finished: ${summary.step} of ${summary.steps} steps.`;
    return `${summary.name} ${apart}: ${course} (95% interval at the end ${percent(end.low)} to ${percent(end.high)}).${state}`;
  }
  const ranked = told
    .flatMap(({ summary, series }) => {
      const end = series.evaluations.at(-1);
      return end === undefined ? [] : [{ name: summary.name, end }];
    })
    .toSorted((a, b) => b.end.mean - a.end.mean);
  const [best, second] = ranked;
  if (best === undefined || second === undefined)
    return "Fewer than two of these runs were evaluated.";
  const list = ranked
    .map(({ name, end }) => `${name} ${percent(end.mean)} after ${end.step} steps`)
    .join(", ");
  const clear = best.end.low > second.end.high;
  return `Held-out accuracy at the end: ${list}. ${clear ? `${best.name} is ahead, beyond what its held-out tasks leave open; one run each says nothing about other seeds.` : "The intervals of the first two overlap: this does not tell them apart."}`;
}

function runTable(told: readonly Told[]): { head: string[]; rows: string[][] } {
  return {
    head: ["run", "state", "steps", "held-out accuracy", "mistakes", "GFLOP", "thousand tokens"],
    rows: told.map(({ summary, cost }) => [
      summary.name,
      summary.state,
      `${summary.step} of ${summary.steps}`,
      `${percent(summary.accuracy.first)} to ${percent(summary.accuracy.last)}`,
      String(summary.mistakes),
      rounded(summary.flops / 1e9),
      rounded((cost.spent["tokens"] ?? 0) / 1e3),
    ]),
  };
}

function curves(told: readonly Told[]): string {
  const steps = Math.max(1, ...told.map(({ series }) => series.config.steps));
  const x = { label: "training steps", from: 0, to: steps };
  const accuracy = lineChart({
    title: "Held-out accuracy, with its 95% interval",
    description: told
      .map(({ summary }) => `${summary.name}: ${percent(summary.accuracy.last)}`)
      .join("; "),
    x,
    y: { label: "accuracy", from: 0, to: 1 },
    series: told.map(({ summary, series }, colour): Drawn => ({
      name: summary.name,
      colour: colour % 8,
      points: series.evaluations.map(({ step, mean, low, high }) => ({
        x: step,
        y: mean,
        low,
        high,
      })),
    })),
  });
  const small = panels.map((panel) => smallChart(panel, told, x)).join("");
  const names =
    told.length === 1
      ? ""
      : legend(
          told.map(({ summary }, colour) => ({
            name: summary.name,
            points: [],
            colour: colour % 8,
          })),
        );
  return `${accuracy}${names}<div class="small-charts">${small}</div>`;
}

function smallChart(
  panel: Panel,
  told: readonly Told[],
  x: { label: string; from: number; to: number },
): string {
  const keys = told.length === 1 ? panel.keys : panel.keys.slice(0, 1);
  const [per, unit] = panel.unit === "magnitude" ? [1e9, " in G"] : [1, ""];
  const series = told.flatMap(({ summary, series: of }, run) =>
    keys.flatMap(([key, label], i): Drawn[] => {
      const values = of.columns[key];
      if (values === undefined || !values.some((value) => value !== null && value !== 0)) return [];
      const points = of.steps.flatMap((step, at) => {
        const value = values[at];
        return typeof value === "number" ? [{ x: step, y: value / per }] : [];
      });
      return [
        {
          name: told.length === 1 ? label : summary.name,
          points,
          colour: (told.length === 1 ? i : run) % 8,
        },
      ];
    }),
  );
  const values = series.flatMap(({ points }) => points.map(({ y }) => y));
  if (values.length === 0) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [from, to] = panel.range ?? [
    low >= 0 && low < 0.6 * high ? 0 : low,
    high === low ? low + 1 : high,
  ];
  const ends = series
    .map(({ name, points }) => `${name} ${lastOf(points.map(({ y }) => y))}`)
    .join(", ");
  const chart = lineChart({
    title: `${panel.title}${unit}: ${ends}`,
    description: `${panel.about ?? panel.title} At the end: ${ends}.`,
    x,
    y: { label: "", from, to },
    series,
    bare: true,
  });
  return keys.length > 1 && told.length === 1
    ? chart.replace("</figure>", `${legend(series)}</figure>`)
    : chart;
}

function mistakes({ map }: Told): string {
  if (map.entries.length === 0) return "";
  const course = (share: readonly (number | null)[]): string => {
    const known = share.filter((value): value is number => value !== null);
    if (known.length < 2) return "-";
    const quarter = Math.max(1, Math.floor(known.length / 4));
    return `${percent(meanOf(known.slice(0, quarter)))} to ${percent(meanOf(known.slice(-quarter)))}`;
  };
  return htmlTable({
    head: [
      "kind",
      "mistakes",
      "seen",
      "made most by",
      "student's own attempts",
      "outgrown",
      "example: did, right",
    ],
    rows: map.entries.map(
      ({ signature, mistakes: n, support, bySource, share, retired, example }) => [
        signature,
        String(n),
        String(support),
        Object.entries(bySource)
          .slice(0, 2)
          .map(([name, count]) => `${name.replace(/^weak:/, "")} ${count}`)
          .join(", "),
        course(share),
        String(retired),
        example === null
          ? "-"
          : `${example.wrongStep}${example.correctStep === null ? "" : `, ${example.correctStep}`}`,
      ],
    ),
  });
}

/** Most attempts shown of a group. */
const mostAttempts = 4;

function group({ summary, attempts, partners }: GroupDetail): string {
  const shown = [
    ...attempts.slice(0, 2),
    ...attempts.slice(2).toSorted((a, b) => Number(b.correct) - Number(a.correct)),
  ].slice(0, mostAttempts);
  const parts = [...shown, ...partners.slice(0, 1)].map(
    ({ correct, by, steeredBy, card }) =>
      `<div class="attempt"><h4>${correct ? "✓" : "✗"} ${escape(by)}${steeredBy === undefined ? "" : `, away from ${escape(steeredBy)}`}</h4>${cardHtml(card)}<p class="muted">${escape(card.outcome)}</p></div>`,
  );
  return `<h3>${escape(summary.task)}</h3>
<p class="muted">Step ${summary.step}: ${summary.right} of ${summary.size} right${summary.rescued ? ", rescued by the second half" : summary.stuck ? ", still stuck" : ""}.</p>
<div class="attempts">${parts.join("")}</div>`;
}

function cardHtml({ lines }: Card): string {
  return `<pre>${lines
    .map(({ text, mark, role }) => {
      const sign = mark === "wrong" ? "✗ " : mark === "right" ? "✓ " : "  ";
      const line = escape(`${sign}${role === undefined ? "" : `${role}: `}${text}`);
      return mark === undefined ? line : `<span class="${mark}">${line}</span>`;
    })
    .join("\n")}</pre>`;
}

function cost({ cost: { roles, budget, spent, teacher } }: Told): string {
  if (roles.length === 0) return "";
  const budgets = Object.entries(budget).map(
    ([name, most]) =>
      `<p>Budget of ${escape(name)}: ${percent((spent[name] ?? 0) / most)} used.</p>`,
  );
  const share =
    teacher === null
      ? ""
      : `<p>Teacher: ${(100 * teacher.share).toFixed(1)}% of prompt visits; the cap is ${(100 * teacher.cap).toFixed(1)}%.</p>`;
  const table = htmlTable({
    head: ["role", "GFLOP", "thousand tokens", "rollouts", "seconds"],
    rows: roles.map(({ role, flops, tokens, rollouts, seconds }) => [
      role,
      rounded(flops / 1e9),
      rounded(tokens / 1e3),
      String(rollouts),
      rounded(seconds),
    ]),
  });
  return `${budgets.join("")}${share}${table}`;
}

const own = `
.lead { font-size: 1.1rem; }
.attempts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .75rem; align-items: start; }
.attempt { min-width: 0; } .attempt h4 { margin: .25rem 0; font-size: .9rem; } .attempt pre { margin: 0; font: .8rem/1.45 ui-monospace, monospace; }
pre .wrong { color: var(--s3); font-weight: 600; } pre .right { color: var(--s0); } pre .muted { font-size: inherit; }
`;
