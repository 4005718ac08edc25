/** A study killed in the middle and started again ends with the same numbers. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errata, settings, tinyPlace, type Place } from "./tiny.js";

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
  // Steered without an expert: that those survive is said of single runs in resume.test.ts.
  const config = {
    ...settings,
    steps: 4,
    saveEvery: 2,
    explore: { steerBy: "past-self" },
    partners: { names: [] },
  };
  writeFileSync(
    join(place.folder, "tiny-study.ts"),
    `import { defineStudy } from "errata";
export default defineStudy({
  name: "tiny",
  domain: "arithmetic",
  config: ${JSON.stringify(config)},
  arms: [
    { name: "errata", family: "errata", description: "all of it", config: {} },
    { name: "grpo", family: "weak-free", description: "plain",
      config: { reward: { penalty: 0, diverge: 0 }, explore: { form: "none" } } },
  ],
  claims: [{ name: "fewer", measure: "steps", arm: "errata", baseline: "grpo", target: 0.33, kind: "primary" }],
  seeds: { first: 1000, count: 2 },
  tuning: { rates: [3e-4, 1e-3], count: 1 },
});
`,
  );
}, 120_000);
afterAll(() => place.remove());

/** Runs the study in `folder`; kills it dead once `runs` of its runs are over. */
async function compare(folder: string, runs = Infinity): Promise<string> {
  const { status, signal, stdout, stderr } = await errata(
    place,
    ["compare", "tiny-study.ts", "--folder", folder, "--jobs", "2", "--no-gate", "--json"],
    (child) => {
      let seen = "";
      child.stderr?.on("data", (data: Buffer) => {
        seen += data.toString();
        if (seen.includes(`; ${runs} of 8 runs`)) child.kill("SIGKILL");
      });
    },
  );
  if (Number.isFinite(runs)) expect(signal).toBe("SIGKILL");
  else expect(status, stderr).toBe(0);
  return stdout;
}

test("a study killed twice and started again ends with the same JSON", async () => {
  const whole = await compare("whole");
  expect(await compare("killed", 1)).toBe("");
  const metrics = (): Map<string, number> =>
    new Map(
      readdirSync(join(place.folder, "killed", "runs")).map((name) => {
        const folder = join(place.folder, "killed", "runs", name);
        return [name, statSync(join(folder, "config.json")).mtimeMs];
      }),
    );
  const begun = metrics();
  await compare("killed", 6);
  const resumed = await compare("killed");
  expect(resumed).toBe(whole);
  const now = metrics();
  expect(now.size).toBe(8);
  for (const [name, written] of begun) expect(now.get(name)).toBe(written); // none was begun anew

  const result = JSON.parse(resumed) as {
    study: string;
    protocol: string;
    arms: { name: string; seeds: number; learningRate: number; stepsTo80: { mean: number } }[];
    claims: { name: string; verdict: string; target: number }[];
    rates: { arm: string; learningRate: number; tried: unknown[] }[];
  };
  expect(result.arms.map((a) => [a.name, a.seeds])).toEqual([
    ["errata", 2],
    ["grpo", 2],
  ]);
  for (const [i, { tried, learningRate }] of result.rates.entries()) {
    expect(tried).toHaveLength(2);
    expect(result.arms[i]!.learningRate).toBe(learningRate);
  }
  expect(result.claims).toMatchObject([{ name: "fewer", target: 0.33, verdict: "undecided" }]);

  const study = readdirSync(join(place.folder, "killed")).find((name) => name !== "runs")!;
  expect(study).toBe(`tiny-arithmetic-${result.protocol}`);
  const page = readFileSync(join(place.folder, "killed", study, "report.html"), "utf8");
  expect(page).toContain("npx errata compare tiny-study.ts");
  expect(page).not.toMatch(/(?:src|href)=/);
}, 480_000);
