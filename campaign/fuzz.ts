/** Mutated inputs for everything that reads what others wrote: a result or an ErrataError, and in time. */
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { ErrataError } from "../src/util/error.js";
import { Random } from "../src/util/random.js";
import { answerParsers } from "./fuzz/answers.js";
import { checkpointParsers } from "./fuzz/checkpoints.js";
import { tooSlow } from "./fuzz/doubling.js";
import { fileParsers } from "./fuzz/files.js";
import { mutatedBytes, mutatedText } from "./fuzz/mutate.js";
import { Files, type Parser } from "./fuzz/parser.js";
import { proofParsers } from "./fuzz/proofs.js";

/** Mutations of all parsers together. */
const TRIES = 500_000;

/** Milliseconds of the processor that one input may take, and after which nothing will come of it any more. */
const LATE = 2000;
const HANGS = 120_000;

interface Failure {
  readonly parser: string;
  readonly kind: string;
  readonly why: string;
}

/** Every parser, or those whose names hold `only`; mutations are drawn by the seed. */
export async function run({
  seed,
  only = "",
  tries = TRIES,
}: {
  seed: number;
  only?: string;
  tries?: number;
}): Promise<{ tried: number; held: number; failed: Failure[] }> {
  const files = new Files();
  const watch = watchdog();
  const failed: Failure[] = [];
  let tried = 0;
  try {
    const all = [
      ...answerParsers(),
      ...proofParsers(),
      ...(await fileParsers(files)),
      ...(await checkpointParsers(files)),
    ];
    const shares = all.reduce((sum, { share = 1 }) => sum + share, 0);
    const chosen = all.filter(({ name }) => name.includes(only));
    const tell = (what: string, faults: readonly Failure[]): void => {
      failed.push(...faults);
      process.stderr.write(`${what}: ${faults.length} failed\n`);
      for (const { kind, why } of faults) process.stderr.write(`  ${kind}: ${why}\n`);
    };
    for (const parser of chosen) {
      const count = Math.ceil((tries * (parser.share ?? 1)) / shares);
      const random = Random.from(seed, parser.name);
      tell(`${parser.name}, ${count} inputs`, await mutated(parser, count, random, watch.look));
      tried += count;
    }
    for (const parser of chosen) {
      const { tried: lengths, slow } = await tooSlow(parser, watch.look);
      tell(`${parser.name}, ${lengths} lengths`, slow);
      tried += lengths;
    }
  } finally {
    watch.close();
    files.close();
  }
  return { tried, held: tried - failed.length, failed };
}

/** Faults of a parser, one of each kind. */
async function mutated(
  parser: Parser,
  count: number,
  random: Random,
  look: (name: string, input?: unknown) => void,
): Promise<Failure[]> {
  const { name, inputs, read, documents = () => false } = parser;
  const texts = inputs.filter((input) => typeof input === "string");
  const buffers = inputs.filter((input) => typeof input !== "string");
  const faults = new Map<string, Failure>();
  const fault = (kind: string, why: string, input: unknown): void => {
    const shown = inspect(input, { maxStringLength: 300, maxArrayLength: 100 });
    if (!faults.has(why.slice(0, 60)))
      faults.set(why.slice(0, 60), { parser: name, kind, why: `${why}: ${shown}` });
  };
  for (let i = 0; i < count; i++) {
    const base = random.pick(inputs);
    const input =
      typeof base === "string"
        ? mutatedText(base, texts, random)
        : mutatedBytes(base, buffers, random);
    look(name, input);
    const started = process.cpuUsage();
    try {
      await read(input as never);
    } catch (error) {
      if (!(error instanceof ErrataError) && !documents(error))
        fault("a raw error", inspect(error, { depth: 0 }).split("\n").slice(0, 3).join(" "), input);
    }
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1000;
    if (took > LATE) fault("late", `${took.toFixed(0)} ms`, input);
  }
  return [...faults.values()];
}

/** Ends the process, saying at which input, when none has come for long: a loop without an end leaves no other way. */
function watchdog(): { look: (name: string, input?: unknown) => void; close: () => void } {
  const shared = new SharedArrayBuffer(4096);
  const beats = new Int32Array(shared, 0, 1);
  const shown = Buffer.from(shared, 4);
  const worker = new Worker(
    `const { shared } = require("node:worker_threads").workerData;
     let last = -1;
     setInterval(() => {
       const beat = Atomics.load(new Int32Array(shared, 0, 1), 0);
       if (beat === last) {
         require("node:fs").writeSync(2, "it hangs: " + Buffer.from(shared, 4).toString() + "\\n");
         process.kill(process.pid, "SIGKILL");
       }
       last = beat;
     }, ${HANGS});`,
    { eval: true, workerData: { shared } },
  );
  worker.unref();
  return {
    look(name, input = "") {
      shown.fill(32);
      shown.write(`${name}: ${String(input).slice(0, 1000)}`);
      Atomics.add(beats, 0, 1);
    },
    close: () => void worker.terminate(),
  };
}
