/** A few rollouts of a step as Markdown, for trackers that show texts. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Rollouts told of a step. */
const most = 4;
/** Longest text of one, in characters. */
const longest = 1000;

interface Line {
  readonly task: string;
  readonly correct: boolean;
  readonly actions?: readonly string[];
  readonly answer?: string;
  readonly steeredBy?: string;
  readonly firstError?: { readonly step: number; readonly expected?: string };
}

/** The first rollouts of different tasks; undefined where none are kept. What a model wrote is quoted as code. */
export function rolloutText(folder: string, step: number): string | undefined {
  const path = join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.jsonl`);
  if (!existsSync(path)) return undefined;
  const tasks = new Set<string>();
  const parts: string[] = [];
  for (const text of readFileSync(path, "utf8").split("\n")) {
    if (text === "" || parts.length >= most) continue;
    const line = JSON.parse(text) as Line;
    if (line.actions === undefined || tasks.has(line.task)) continue; // private texts are not told
    tasks.add(line.task);
    parts.push(markdown(line));
  }
  return parts.length === 0 ? undefined : parts.join("\n\n");
}

function markdown({ task, correct, actions = [], firstError, steeredBy }: Line): string {
  const wrong = firstError === undefined ? "" : `; first wrong step ${firstError.step + 1}`;
  const by = steeredBy === undefined ? "" : `; steered away from ${steeredBy}`;
  return `**${correct ? "right" : "wrong"}**${wrong}${by}\n\n${quoted(`${task}\n\n${actions.join("\n")}`)}`;
}

/** Indented: no fence within can end it. */
function quoted(text: string): string {
  return text
    .slice(0, longest)
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
