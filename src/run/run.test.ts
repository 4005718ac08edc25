import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { Run } from "./run.js";
import { lastCheckpoint } from "./checkpoint.js";
import { cuePolicy, cueSetup, regardless } from "../testing/testing.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-run-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("an expert of any signature is saved inside the checkpoint and comes back", async () => {
  const setup = cueSetup({ student: regardless({ x: 0.9, y: 0.1 }) });
  const run = await Run.create(join(folder, "named"), setup);
  const expert = {
    signature: "off by one/../../loop",
    policy: cuePolicy(regardless({ x: 1 })),
    traces: 3,
    fittedAt: 0,
  };
  run.setExpert(expert);
  await run.save();
  run.close();
  const checkpoint = lastCheckpoint(join(folder, "named"))!;
  expect(readdirSync(checkpoint).filter((f) => f.startsWith("expert-"))).toHaveLength(1);
  const resumed = await Run.resume(join(folder, "named"), setup);
  const saved = resumed.state.experts.get(expert.signature);
  expect(saved).toMatchObject({ traces: 3, fittedAt: 0 });
  expect(localOf(saved!.policy).weights).toEqual(expert.policy.weights);
  resumed.close();
});
