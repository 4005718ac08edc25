/** What the tests of the dashboard share: a run's folder of any size, made without training. Not part of the package. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../config/parse.js";
import { Corpus } from "../mistakes/corpus/corpus.js";

/** Size of a made-up run. */
export interface MadeRun {
  readonly steps?: number;
  /** Groups of four attempts a step. */
  readonly groups?: number;
  readonly mistakes?: number;
  readonly finished?: boolean;
  /** Text of the task and actions, to see that it stays text. */
  readonly text?: string;
}

/** Attempts of a group. */
const groupSize = 4;

/** Writes a run's folder as training would. */
export function makeRun(folder: string, options: MadeRun = {}): void {
  const { steps = 6, groups = 3, mistakes = 5, finished = true, text = "x" } = options;
  mkdirSync(join(folder, "rollouts"), { recursive: true });
  const checkpoint = join(folder, "checkpoints", `step-${String(steps).padStart(6, "0")}`);
  mkdirSync(checkpoint, { recursive: true });
  const config = parseConfig({ steps, groupSize, evaluationTasks: 50, budget: { tokens: 5000 } });
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const metrics: unknown[] = [];
  for (let step = 0; step < steps; step++) {
    if (step % 2 === 0) metrics.push({ step, "eval/accuracy": step / (steps + 1) });
    metrics.push(stepLine(step, steps, mistakes));
    const lines = Array.from({ length: groups }, (_, group) =>
      groupLines(step, group, text),
    ).flat();
    writeFileSync(
      join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.jsonl`),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
  }
  metrics.push({ step: steps, "eval/accuracy": 0.9 });
  writeFileSync(
    join(folder, "metrics.jsonl"),
    metrics.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  writeFileSync(
    join(folder, "log.jsonl"),
    `${JSON.stringify({ level: 30, time: 1, step: 0, msg: "step" })}\n`,
  );
  const nothing = { flops: 0, rollouts: 0, tokens: 0 };
  writeFileSync(
    join(checkpoint, "state.json"),
    JSON.stringify({
      step: steps,
      finished,
      metricsBytes: 0,
      ledger: { student: { flops: 3e9, rollouts: 12, tokens: 2500 }, weak: nothing },
    }),
  );
  makeCorpus(join(folder, "corpus.db"), mistakes, text);
}

/** A step's line, with the keys the page draws. */
export function stepLine(step: number, steps: number, mistakes: number): Record<string, unknown> {
  return {
    step,
    "rollout/accuracy": step / steps,
    "reward/mean": step / steps,
    "group/stuck": 2,
    "group/rescued": 1,
    "group/steered": 2,
    "group/zeroVariance": 0.5,
    "policy/entropy": 1 - step / steps,
    "rollout/tokens": 12,
    "corpus/size": mistakes,
    "corpus/retired": 0,
    "probe/committed": step < 2 ? {} : { long: "always-x" },
    "replication/bySignature": { "always-x": 0.5 },
    "cost/flops": step * 1e9,
    "alarm/names": step === 3 ? ["lengthBlowUp"] : [],
  };
}

function groupLines(step: number, group: number, text: string): unknown[] {
  const stuck = group === 0;
  return Array.from({ length: groupSize }, (_, i) => {
    const steered = stuck && i >= groupSize / 2;
    const correct = steered ? i === groupSize - 1 : !stuck && i % 2 === 0;
    return {
      task: `task ${step}.${group} ${text}`,
      level: "long",
      ...(i === 0 ? { prompt: `What is ${step}.${group}?` } : {}),
      actions: ["one", text, "three"],
      correct,
      answer: correct ? "right" : text,
      stop: correct ? "solved" : "wrong",
      ...(correct
        ? {}
        : {
            firstError: {
              step: 1,
              span: { start: 0, end: 1 },
              evidence: "test",
              confidence: 1,
              family: "choice",
              detail: "two, not that",
              expected: "two",
            },
            signature: "always-x",
          }),
      offPolicy: steered,
      advantage: correct ? 1 : -1,
      charge: 0,
      ...(steered ? { steeredBy: "always-x" } : {}),
    };
  });
}

function makeCorpus(path: string, mistakes: number, text: string): void {
  const corpus = Corpus.open(path, { novelty: false, capacity: Math.max(4096, mistakes) });
  corpus.begin();
  for (let i = 0; i < mistakes; i++)
    corpus.admit({
      correct: false,
      domain: "made",
      level: "long",
      taskId: `task ${Math.floor(i / 3)}.${i % 3} ${text}`,
      split: "train",
      state: `state ${i}`,
      wrongStep: `${text} ${i}`,
      answer: `answer ${i}`,
      correctStep: "two",
      source: i % 4 === 0 ? "student" : "weak:always-x",
      signature: i % 5 === 4 ? "always-y" : "always-x",
      evidence: "test",
      confidence: 0.9,
      embedding: Float32Array.from({ length: 8 }, (_, d) => ((i >> d) & 1) + 0.01 * d),
      recurrence: 0.5,
      sameAnswers: 2,
      trace: [
        { prompt: "start", action: "one" },
        { prompt: `state ${i}`, action: `${text} ${i}` },
      ],
      step: i % 7,
    });
  corpus.commit();
  corpus.close();
}
