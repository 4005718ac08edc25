/** What a run comes to, whatever interrupted it: compared byte for byte. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lastCheckpoint } from "../src/run/checkpoint.js";

/** Everything of a run that must not depend on interruptions, by name. */
export function outcomeOf(folder: string): Map<string, Buffer> {
  const checkpoint = lastCheckpoint(folder)!;
  const inside = (path: string): [string, Buffer][] =>
    readdirSync(path)
      .toSorted()
      .map((name) => [name, readFileSync(join(path, name))]);
  return new Map([
    ["checkpoint", Buffer.from(checkpoint.slice(folder.length))],
    ["config.json", readFileSync(join(folder, "config.json"))],
    ["metrics.jsonl", readFileSync(join(folder, "metrics.jsonl"))],
    ...inside(checkpoint),
    ...inside(join(folder, "rollouts")),
  ]);
}

/** The names under which two runs differ, byte for byte. */
export function differences(a: string, b: string): string[] {
  const [left, right] = [outcomeOf(a), outcomeOf(b)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((name) => {
    const [x, y] = [left.get(name), right.get(name)];
    return x === undefined || y === undefined || !x.equals(y);
  });
}
