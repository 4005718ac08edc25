/** What is killed: a folder, commands that are run in it one after another, and what comes of them. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Corpus } from "../../src/mistakes/corpus/corpus.js";
import { outcomeOf } from "../../test/outcome.js";

/** What a work comes to, by name. */
export type Outcome = ReadonlyMap<string, Buffer>;

export interface Work {
  /** How many trials it gets, as a multiple of others'. */
  readonly share: number;
  /** Makes the folder that the commands are run in; `errata` gives the exit status. */
  readonly make: (
    place: string,
    errata: (args: readonly string[]) => Promise<number | null>,
  ) => Promise<void>;
  /** Arguments of `errata`, by what the folder holds. */
  readonly commands: readonly ((place: string) => readonly string[])[];
  readonly outcome: (place: string) => Outcome;
}

/** Partners, experts, probes, a corpus and three checkpoints, in six steps of two seconds in all. */
const settings = {
  preset: "arithmetic",
  steps: 6,
  tasksPerStep: 4,
  pool: 64,
  evaluationTasks: 16,
  evaluateEvery: 3,
  saveEvery: 2,
  saveSeconds: 3600,
  learningRate: 3e-4,
  probe: { every: 4, tasks: 8, attempts: 2 },
  expert: { minimumTraces: 16, maximumTraces: 64, steps: 10, batch: 32, refitEvery: 3 },
  corpus: { capacity: 256 },
  partners: { names: ["drop-carry"], every: 2, warmUpTraces: 24 },
};

const runOf = (place: string): string => join(place, "runs", "hit");

const train = (place: string): readonly string[] => [
  "train",
  ..."--name hit -c hit.config.mjs --no-gate".split(" "),
  ...(existsSync(runOf(place)) ? ["--resume"] : []),
];

/** A folder to train in, with the models of the package in its cache. */
function prepareFolder(place: string): void {
  cpSync(fileURLToPath(new URL("../../checkpoints", import.meta.url)), join(place, "cache"), {
    recursive: true,
  });
  writeFileSync(
    join(place, "hit.config.mjs"),
    `export default ${JSON.stringify(settings, null, 2)};\n`,
  );
}

/** Attempts at sums of ten digits, every third of them wrong, as `corpus import` reads them. */
function writeAttempts(place: string): void {
  const sums = Array.from({ length: 1500 }, (_, i) => ({
    left: 7919 * i,
    right: 104_729 * i + 17,
  }));
  const lines = (records: readonly object[]): string =>
    records.map((record) => `${JSON.stringify(record)}\n`).join("");
  writeFileSync(
    join(place, "sums.jsonl"),
    lines(
      sums.map(({ left, right }) => ({
        question: `${left} + ${right} =`,
        answer: String(left + right),
        verifier: "number",
      })),
    ),
  );
  writeFileSync(
    join(place, "attempts.jsonl"),
    lines(
      sums.map(({ left, right }, i) => ({
        question: `${left} + ${right} =`,
        completion: `Answer: ${left + right + (i % 3 === 0 ? 1 : 0)}`,
        model: i % 2 === 0 ? "small" : "tiny",
      })),
    ),
  );
}

/** Attempts at a run's own tasks, as its mistakes have them, in the form of `join` and of `import`. */
function writeOwnAttempts(place: string): void {
  const corpus = Corpus.open(join(runOf(place), "corpus.db"), { readOnly: true });
  const known = corpus.list({ limit: 1000 }).map(({ id }) => corpus.show(id));
  corpus.close();
  const attempts = known.flatMap(({ taskId, level, traces }) =>
    traces.map(({ trace, data }) => ({
      task: { id: taskId, level, split: "train", data },
      actions: trace.map(({ action }) => action),
      source: "another",
    })),
  );
  writeFileSync(join(place, "own.jsonl"), attempts.map((a) => `${JSON.stringify(a)}\n`).join(""));
}

/** A run that stopped in the middle. */
const stopped: Work["make"] = async (place, errata) => {
  mkdirSync(place, { recursive: true });
  prepareFolder(place);
  // A budget ends it after two steps; without one it is carried on.
  await errata([...train(place), "--set", "budget.tokens=15000"]);
  writeOwnAttempts(place);
};

/** A corpus' content, whatever its file went through. */
function contentOf(path: string): Buffer {
  const copy = `${path}.content`;
  const corpus = Corpus.open(path, { readOnly: true });
  try {
    corpus.snapshot(copy);
    return readFileSync(copy);
  } finally {
    corpus.close();
    rmSync(copy, { force: true });
  }
}

const runOutcome = (place: string): Outcome => outcomeOf(runOf(place));

/** Without what tells of times. */
const timeless = (text: string): Buffer =>
  Buffer.from(text.replaceAll(/"seconds":\{[^}]*\}|"seconds":[\d.e-]+/g, ""));

const study = `import { defineStudy } from "errata";
export default defineStudy({
  name: "tiny",
  domain: "arithmetic",
  config: ${JSON.stringify({ ...settings, preset: undefined, steps: 4 })},
  arms: [
    { name: "errata", family: "errata", description: "all of it", config: {} },
    { name: "grpo", family: "weak-free", description: "plain",
      config: { reward: { penalty: 0, diverge: 0 }, explore: { form: "none" } } },
  ],
  claims: [{ name: "fewer", measure: "steps", arm: "errata", baseline: "grpo", target: 0.33, kind: "primary" }],
  seeds: { first: 1000, count: 1 },
  tuning: { rates: [3e-4, 1e-3], count: 1 },
});
`;

function studyOutcome(place: string): Outcome {
  const studies = join(place, "studies");
  const outcome = new Map<string, Buffer>();
  for (const name of readdirSync(studies)) {
    if (name === "runs") continue;
    for (const file of ["protocol.json", "rates.json", "result.json", "runs.jsonl"])
      outcome.set(`${name}/${file}`, timeless(readFileSync(join(studies, name, file), "utf8")));
  }
  for (const run of readdirSync(join(studies, "runs")))
    for (const [name, bytes] of outcomeOf(join(studies, "runs", run)))
      outcome.set(`runs/${run}/${name}`, bytes);
  return outcome;
}

function folderOf(folder: string): Outcome {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

export const WORKS: Readonly<Record<string, Work>> = {
  train: {
    share: 70,
    make: (place) => Promise.resolve(prepareFolder(place)),
    commands: [train],
    outcome: runOutcome,
  },
  import: {
    share: 40,
    make: (place) =>
      Promise.resolve(mkdirSync(place, { recursive: true })).then(() => writeAttempts(place)),
    commands: [
      () => [
        "corpus",
        "import",
        "--env",
        "./sums.jsonl",
        "--format",
        "completions",
        "attempts.jsonl",
      ],
    ],
    outcome: (place) => new Map([["corpus.db", contentOf(join(place, "corpus.db"))]]),
  },
  "import into a run": {
    share: 20,
    make: stopped,
    commands: [
      () => [
        "corpus",
        "import",
        "--run",
        "hit",
        "--env",
        "arithmetic",
        "--format",
        "completions",
        "own.jsonl",
      ],
      train,
    ],
    outcome: runOutcome,
  },
  join: {
    share: 30,
    make: stopped,
    commands: [() => ["corpus", "join", "own.jsonl", "--run", "hit"], train],
    outcome: runOutcome,
  },
  review: {
    share: 20,
    make: stopped,
    commands: [
      () => ["corpus", "review", "set", "1", "invalid", "--run", "hit", "--by", "ada"],
      () => [
        "corpus",
        "review",
        "set",
        "2",
        "valid",
        "--run",
        "hit",
        "--by",
        "ada",
        "--note",
        "seen",
      ],
      train,
    ],
    outcome: (place) =>
      new Map([
        ...runOutcome(place),
        ["reviews.jsonl", readFileSync(join(runOf(place), "reviews.jsonl"))] as const,
      ]),
  },
  "models build": {
    share: 8,
    make: (place) => Promise.resolve(mkdirSync(place, { recursive: true })).then(() => undefined),
    commands: [() => ["models", "build", "--preset", "arithmetic", "--rebuild", "--out", "built"]],
    outcome: (place) => folderOf(join(place, "built")),
  },
  compare: {
    share: 12,
    make: (place) => {
      prepareFolder(place);
      writeFileSync(join(place, "tiny-study.ts"), study);
      return Promise.resolve();
    },
    commands: [() => ["compare", "tiny-study.ts", "--jobs", "2", "--no-gate"]],
    outcome: studyOutcome,
  },
};
