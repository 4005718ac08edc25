/** The blocks of docs/tutorial.md, one after the other in an empty folder; training is cut short. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errata, tinyPlace, type Place } from "./tiny.js";

const page = readFileSync(join(import.meta.dirname, "..", "docs", "tutorial.md"), "utf8");
const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  block!.trim().split("\n"),
);

let place: Place;
let empty: string;
beforeAll(async () => {
  place = await tinyPlace();
  empty = join(place.folder, "empty");
  mkdirSync(empty);
});
afterAll(() => place.remove());

/** What makes a run short. */
const short = [
  "--no-gate",
  "--set",
  "steps=2",
  "evaluationTasks=20",
  "partners.warmUpTraces=8",
  "expert.steps=4",
];

test("every block of the tutorial runs, each command the first time", async () => {
  expect(commands.length).toBeGreaterThan(5);
  for (const line of commands) {
    const [npx, program, ...args] = line.split(" ");
    expect([npx, program]).toEqual(["npx", "errata"]);
    const { status, stderr } = await errata({ ...place, folder: empty }, [
      ...args,
      ...(args[0] === "train" ? short : []),
    ]);
    expect(status, `${line}\n${stderr}`).toBe(0);
  }
  const made = (...path: string[]): boolean => existsSync(join(empty, ...path));
  expect(made("model", "model.safetensors")).toBe(true);
  expect(made("gguf", "first-f16.gguf")).toBe(true);
  expect(readFileSync(join(empty, "model", "README.md"), "utf8")).toContain("Accuracy on 20 tasks");
}, 600_000);
