/** A thread with an engine of its own: see worker-engine.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { ErrataError } from "../util/error.js";
import { Random } from "../util/random.js";
import type { EmbeddingRequest, SampleRequest, TrainingSequence, TrainOptions } from "./engine.js";
import { LocalEngine } from "./local.js";
import type { LocalEngineOptions } from "./options.js";
import type { ScoredSequence } from "./passes.js";
import {
  readPolicy,
  sharePolicy,
  type EngineAnswer,
  type EngineCall,
  type SharedVector,
} from "./worker-protocol.js";

const port = parentPort!;
const engine = new LocalEngine(workerData as LocalEngineOptions);
const vectors = new Map<number, Float32Array>();
const known = new WeakMap<Float32Array, number>();
const running = new Map<number, AbortController>();
let count = 0;

function read({ id, data }: SharedVector): Float32Array {
  if (data !== undefined) keep(id, data);
  return vectors.get(id)!;
}

function keep(id: number, data: Float32Array): void {
  vectors.set(id, data);
  known.set(data, id);
}

/** Vectors made here have negative numbers. */
function share(data: Float32Array): SharedVector {
  const id = known.get(data);
  if (id !== undefined) return { id };
  count--;
  keep(count, data);
  return { id: count, data };
}

type Call = Extract<EngineCall, { type: "call" }>;

async function answer(message: Call, signal: AbortSignal): Promise<Partial<EngineAnswer>> {
  const policy = readPolicy(message.policy, read);
  const options = message.options as TrainOptions;
  switch (message.method) {
    case "sample": {
      const request = message.request as SampleRequest;
      const expert = message.expert && readPolicy(message.expert, read);
      const steering = request.steering && expert && { ...request.steering, expert };
      const { steering: _, ...rest } = request;
      const full = {
        ...rest,
        signal,
        random: Random.from(0, "unused"),
        ...(steering && { steering }),
      };
      return { value: await engine.sample(policy, full) };
    }
    case "logprobs":
      return { value: await engine.logprobs(policy, message.request as ScoredSequence[]) };
    case "embed":
      return { value: await engine.embed(policy, message.request as EmbeddingRequest[]) };
    case "gradient":
      return {
        value: await engine.gradient(policy, message.request as TrainingSequence[], {
          ...options,
          signal,
        }),
      };
    case "trainStep": {
      const { first, second, steps, version } = message.optimizer!;
      const before = { steps, version, first: read(first), second: read(second) };
      const sequences = message.request as TrainingSequence[];
      const step = await engine.trainStep(policy, before, sequences, { ...options, signal });
      const { policy: after, optimizer, ...value } = step;
      return {
        value,
        policy: sharePolicy(after, share),
        optimizer: {
          steps: optimizer.steps,
          version: optimizer.version,
          first: share(optimizer.first),
          second: share(optimizer.second),
        },
      };
    }
  }
}

async function perform(message: Call): Promise<void> {
  const { call } = message;
  const controller = new AbortController();
  running.set(call, controller);
  const { flops, steeringFlops, tokens } = engine;
  let result: Partial<EngineAnswer>;
  try {
    result = await answer(message, controller.signal);
  } catch (error) {
    const {
      name,
      message: text,
      stack,
    } = error instanceof Error ? error : new Error(String(error));
    const { code, hint } = error instanceof ErrataError ? error : {};
    result = { fault: { name, message: text, stack, code, hint } };
  }
  running.delete(call);
  const sum = (result.value as { sum?: Float32Array } | undefined)?.sum;
  port.postMessage(
    {
      ...result,
      call,
      flops: engine.flops - flops,
      steeringFlops: engine.steeringFlops - steeringFlops,
      tokens: engine.tokens - tokens,
    },
    sum === undefined ? [] : [sum.buffer as ArrayBuffer],
  );
}

port.on("message", (message: EngineCall) => {
  if (message.type === "call") void perform(message);
  else if (message.type === "abort") running.get(message.call)?.abort();
  else for (const id of message.ids) vectors.delete(id);
});
