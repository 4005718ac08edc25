/** The report as one HTML page that needs nothing else: no network, no scripts. */
import { escape, htmlTable } from "./charts.js";
import {
  claimForest,
  costCurve,
  costTable,
  doseResponse,
  learningCurves,
  stepsForest,
} from "./figures.js";
import {
  abilityTable,
  armTable,
  claimTable,
  falsifierSentence,
  falsifierTable,
  gateSentence,
  gateTable,
  lead,
  rateTable,
  reading,
} from "./text.js";
import { style } from "./style.js";
import type { Report } from "./contents.js";

/** The page of a report; `machine` says what it was measured on. */
export function reportPage(report: Report, machine: string): string {
  const { protocol, result, command } = report;
  const title = `${protocol.study} on ${protocol.domain}`;
  const section = (heading: string, ...parts: readonly string[]): string => {
    const body = parts.filter((part) => part !== "").join("\n");
    return body === "" ? "" : `<section><h2>${heading}</h2>\n${body}\n</section>`;
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)} - Errata</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<h1>${escape(title)}</h1>
<p class="lead">${escape(lead(result))}</p>
<p>${escape(sentence(protocol.description))} ${protocol.seeds.length} seeds, ${result.steps} steps, protocol ${result.protocol}.</p>
</header>
${section(
  "Claims",
  claimForest(report, "Claims named before the study was run", (c) => c.kind === "primary"),
  claimForest(report, "Further comparisons", (c) => c.kind === "secondary"),
  htmlTable(claimTable(result), "Claims as a table"),
  ...reading.map((text) => `<p class="muted">${escape(text)}</p>`),
)}
${section("Falsifiers", falsifiers(report))}
${section("Steps", stepsForest(report))}
${section("Overlap", doseResponse(report))}
${section("Learning", learningCurves(report))}
${section("Abilities", abilities(report))}
${section("Cost", costCurve(report), costTable(report))}
${section("All arms", htmlTable(armTable(result)), arms(report))}
${section("Gate", gateValues(report))}
${section("Protocol", protocolText(report, machine), rates(report))}
<footer><p>Made again by</p><pre><code>${escape(command)}</code></pre></footer>
</main>
</body>
</html>
`;
}

/** With a capital and a full stop. */
function sentence(text: string): string {
  return text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function arms({ protocol }: Report): string {
  return `<dl>${protocol.arms
    .map(
      ({ name, description, source }) =>
        `<dt>${escape(name)}</dt><dd>${escape(description)}${source === undefined ? "" : ` <span class="muted">${escape(source)}</span>`}</dd>`,
    )
    .join("")}</dl>`;
}

function gateValues({ gate }: Report): string {
  if (gate === undefined)
    return `<p class="muted">Not measured; errata gate --preset measures it.</p>`;
  return `<p>${escape(gateSentence(gate))}</p>${htmlTable(gateTable(gate))}`;
}

function protocolText({ protocol, result }: Report, machine: string): string {
  const rows: [string, string][] = [
    ["seeds", protocol.seeds.join(", ")],
    [
      "tuning",
      protocol.tuning === null
        ? "none: rates were fixed beforehand"
        : `rates ${protocol.tuning.rates.join(", ")} on seeds ${protocol.tuning.seeds.join(", ")}, validation split`,
    ],
    ["target", `${result.target * 100}% held-out accuracy`],
    ["equal student compute", `${result.accuracyAt} steps`],
    ["program", protocol.program],
    ["models", Object.values(protocol.models).join(", ")],
    ["machine", machine],
  ];
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`).join("")}</dl>`;
}

function rates({ result }: Report): string {
  const table = rateTable(result);
  return table.rows.length === 0 ? "" : htmlTable(table, "Learning rates tried");
}

function abilities({ result }: Report): string {
  const table = abilityTable(result);
  if (table.rows.length === 0) return "";
  return `<p class="muted">Before training, and after it with the 95% interval over seeds.</p>${htmlTable(table)}`;
}

function falsifiers(report: Report): string {
  const table = falsifierTable(report.result);
  if (table.rows.length === 0) return "";
  const own = claimForest(
    report,
    "What must hold for them not to fire",
    (c) => c.kind === "falsifier",
  );
  return `<p>${escape(falsifierSentence(report.result))}</p>${htmlTable(table)}${own}`;
}
