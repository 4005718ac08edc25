/** A study's report: a Markdown table, one self-contained HTML page, and the numbers as JSON. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { reportPage } from "./page.js";
import { armList } from "./arm-list.js";
import {
  abilityTable,
  claimTable,
  falsifierSentence,
  falsifierTable,
  gateSentence,
  gateTable,
  rateTable,
  reading,
  summaryTable,
} from "./text.js";
import type { Report } from "./contents.js";
import { markdownTable, type Table } from "./format.js";

/** Writes `result.json`, `table.md` and `report.html` into a study's folder. */
export function writeReport(folder: string, report: Report): void {
  const { result } = report;
  writeFileSync(join(folder, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(folder, "table.md"), markdown(report));
  writeFileSync(join(folder, "report.html"), reportPage(report, machine()));
}

/** This machine and program, in words. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const manifest = new URL("../../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `${availableParallelism()} cores of ${model}, Node ${process.version}, errata ${version}, one thread a run`;
}

/** The same as the page, without figures; tables without rows are left out. */
export function markdown({ protocol, result, command, gate }: Report): string {
  const section = (heading: string, table: Table): string[] =>
    table.rows.length === 0 ? [] : [`## ${heading}`, markdownTable(table)];
  return [
    `# ${protocol.study}: ${protocol.domain}`,
    `${protocol.description}. Protocol ${result.protocol}, seeds ${protocol.seeds[0]} to ${protocol.seeds.at(-1)}, ${result.steps} steps. ${machine()}.`,
    `\`${command}\``,
    summaryTable(result),
    ...section("Claims", claimTable(result)),
    ...section("Falsifiers", falsifierTable(result)),
    ...(result.falsifiers.length === 0 ? [] : [falsifierSentence(result)]),
    ...reading,
    ...section("Abilities, before training and after", abilityTable(result)),
    ...(gate === undefined ? [] : ["## Gate", gateSentence(gate), markdownTable(gateTable(gate))]),
    ...section("Learning rates tried", rateTable(result)),
    ...section("Arms", armList(protocol.arms)),
  ]
    .join("\n\n")
    .concat("\n");
}
