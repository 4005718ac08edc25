import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localOf, type LocalTrainResult } from "../src/engine/local-policy.js";
import type {
  OptimizerState,
  Policy,
  TrainingSequence,
  TrainOptions,
} from "../src/engine/engine.js";
import { LocalEngine } from "../src/engine/local.js";
import type { MetricsLine, StepMetrics } from "../src/watch/metrics.js";
import { Run } from "../src/run/run.js";
import type { RunState } from "../src/run/state.js";
import type { Setup } from "../src/run/setup.js";
import { train } from "../src/loop/train.js";
import { tinyPlace, type Place } from "./tiny.js";

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
});
afterAll(() => place.remove());

const isStep = (line: MetricsLine): line is StepMetrics => "rollout/accuracy" in line;

async function trained(
  name: string,
  setup: Setup,
  onStep: (state: RunState) => void = () => undefined,
) {
  const run = await Run.create(join(place.folder, "runs", name), setup);
  const steps: StepMetrics[] = [];
  run.onLine = (line) => {
    if (!isStep(line)) return;
    steps.push(line);
    onStep(run.state);
  };
  try {
    await train(run, setup);
  } finally {
    run.close();
  }
  return { run, steps };
}

describe("an environment that throws", () => {
  test.each(["judge", "step"] as const)(
    "in %s spoils one rollout: it is recorded, its siblings go on",
    async (where) => {
      const setup = await place.setup({ steps: 3 });
      const real = setup.environment;
      let calls = 0;
      const faulty =
        <A extends unknown[], R>(act: (...args: A) => R) =>
        (...args: A): R => {
          if (++calls % 50 === 0) throw new Error("the verifier has crashed");
          return act(...args);
        };
      const environment = { ...real, [where]: faulty(real[where].bind(real) as never) };
      const { run, steps } = await trained(`throws-in-${where}`, { ...setup, environment });
      expect(run.finished).toBe(true);
      const failed = steps.reduce((n, line) => n + line["rollout/failed"], 0);
      expect(failed).toBeGreaterThan(0);
      const rollouts = steps.flatMap(({ step }) =>
        readFileSync(join(run.folder, "rollouts", `step-00000${step}.jsonl`), "utf8")
          .trim()
          .split("\n")
          .map(
            (line) =>
              JSON.parse(line) as {
                failure?: string;
                correct: boolean;
                advantage: number;
                charge: number;
              },
          ),
      );
      expect(rollouts).toHaveLength(3 * 4 * 8);
      const broken = rollouts.filter((r) => r.failure !== undefined);
      expect(broken).toHaveLength(failed);
      for (const rollout of broken)
        expect(rollout).toMatchObject({
          failure: "Error: the verifier has crashed",
          correct: false,
          advantage: 0,
          charge: 0,
        });
    },
  );
});

/** Corrupts some of the student's updates as they reach the engine. */
class PoisonedEngine extends LocalEngine {
  readonly #poisoned: (update: number) => boolean;
  #updates = 0;

  constructor(poisoned: (update: number) => boolean) {
    super();
    this.#poisoned = poisoned;
  }

  override trainStep(
    policy: Policy,
    optimizer: OptimizerState,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<LocalTrainResult> {
    const ofStudent = sequences[0]!.targets[0]!.component === "policy";
    if (!ofStudent || !this.#poisoned(this.#updates++))
      return super.trainStep(policy, optimizer, sequences, options);
    const [first, ...others] = sequences;
    const targets = first!.targets.map((target) => ({ ...target, coefficient: Number.NaN }));
    return super.trainStep(policy, optimizer, [{ ...first!, targets }, ...others], options);
  }
}

describe("an update that is not finite", () => {
  test("is skipped: weights and moments stay, the next step learns", async () => {
    const setup = await place.setup({ steps: 6, tasksPerStep: 8 });
    const engine = new PoisonedEngine((update) => update === 2);
    const states: RunState[] = [];
    const { run, steps } = await trained("one-nan", { ...setup, engine }, (state) =>
      states.push(state),
    );
    expect(run.finished).toBe(true);
    const skipped = steps.flatMap((line, step) => (line["update/finite"] ? [] : [step]));
    expect(skipped).toHaveLength(1);
    const [before, after] = [states[skipped[0]! - 1]!, states[skipped[0]!]!];
    expect(localOf(after.student).weights).toEqual(localOf(before.student).weights);
    expect(after.optimizer).toEqual(before.optimizer);
    expect(after.skipped).toBe(1);
    expect(run.state.optimizer.steps).toBeGreaterThan(after.optimizer.steps);
    expect(localOf(run.state.student).weights).not.toEqual(localOf(after.student).weights);
    expect(localOf(run.state.student).weights.every(Number.isFinite)).toBe(true);
  });

  test("stops the run the third time, saved", async () => {
    const setup = await place.setup({ steps: 8, tasksPerStep: 8 });
    const engine = new PoisonedEngine((update) => update >= 1);
    await expect(trained("many-nans", { ...setup, engine })).rejects.toMatchObject({
      code: "TRAINING_NOT_FINITE",
    });
    const run = await Run.resume(join(place.folder, "runs", "many-nans"), setup);
    expect(run.state).toMatchObject({ skipped: 3 });
    expect(run.state.step).toBeGreaterThanOrEqual(4);
    // With an engine that works it goes on.
    await train(run, setup);
    expect(run.finished).toBe(true);
    run.close();
  });
});
