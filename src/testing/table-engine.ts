/** A second engine for tests: a policy is a table of next-token logits by the last token, in a slot that updates overwrite. */
import { readFileSync, writeFileSync } from "node:fs";
import type {
  Capabilities,
  Completion,
  Engine,
  OptimizerState,
  Policy,
  SampleRequest,
  TrainingSequence,
  TrainOptions,
  TrainResult,
} from "../engine/engine.js";
import type { ModelShape } from "../engine/shape.js";
import { ErrataError } from "../util/error.js";
import { Random } from "../util/random.js";

/** What stands behind all versions of one policy, as a model on a server does. */
interface Slot {
  /** [V, V], row by row. */
  readonly logits: Float64Array;
  version: number;
}

interface TablePolicy extends Policy {
  readonly slot: Slot;
}

/** Can do as little as an engine may: no hidden states, no steering, no degradation, no way back. */
export class TableEngine implements Engine {
  readonly capabilities: Capabilities = {
    embeddings: false,
    steeredSampling: false,
    degradations: [],
    rollback: false,
  };
  /** Policies given up. */
  readonly released: Policy[] = [];
  flops = 0;
  tokens = 0;

  /** A policy whose row of `token` is `logits(token)`. */
  policyOf(shape: ModelShape, logits: (token: number) => readonly number[]): Policy {
    const rows = Array.from({ length: shape.vocabulary }, (_, token) => logits(token));
    return first(shape, Float64Array.from(rows.flat()));
  }

  initialise(shape: ModelShape, random: Random): Policy {
    const size = shape.vocabulary ** 2;
    return first(
      shape,
      Float64Array.from({ length: size }, () => 0.1 * random.normal()),
    );
  }

  adapt(): Policy {
    throw new RangeError("a table has no adapters");
  }

  initialiseBeside(
    policy: Policy,
    { random }: { readonly shape: ModelShape; readonly random: Random },
  ): Policy {
    return this.initialise(policy.shape, random);
  }

  fork(policy: Policy): Policy {
    return first(policy.shape, live(policy).logits.slice());
  }

  release(policy: Policy): void {
    this.released.push(policy);
  }

  newOptimizer({ version }: Policy): OptimizerState {
    return { steps: 0, version };
  }

  parameters({ shape }: Policy): number {
    return shape.vocabulary ** 2;
  }

  degrade(): Policy {
    throw new RangeError("a table cannot be degraded");
  }

  async sample(policy: Policy, request: SampleRequest): Promise<Completion[]> {
    if (request.steering !== undefined) throw new RangeError("a table cannot be steered");
    const { prompts, maxTokens, temperature = 1, random } = request;
    const given = [...(request.stopTokens ?? []), request.stopToken];
    const stops: readonly (number | undefined)[] = given.filter((token) => token !== undefined);
    const seeds = request.seeds ?? prompts.map(() => random.uint32());
    const slot = live(policy);
    return prompts.map((prompt, i) => {
      const row = Random.from(seeds[i]!, "row");
      const tokens: number[] = [];
      const logprobs: number[] = [];
      while (tokens.length < maxTokens && !stops.includes(tokens.at(-1))) {
        const at = logprobsAfter(slot, policy.shape, tokens.at(-1) ?? prompt.at(-1)!, temperature);
        const token = row.weighted(at.map(Math.exp));
        tokens.push(token);
        logprobs.push(at[token]!);
        this.#count(policy);
      }
      const stopped = stops.includes(tokens.at(-1));
      return { tokens, logprobs, behaviourLogprobs: logprobs, stopped };
    });
  }

  async logprobs(
    policy: Policy,
    sequences: Parameters<Engine["logprobs"]>[1],
  ): Promise<Float32Array> {
    const slot = live(policy);
    const all = sequences.flatMap(({ tokens, targets }) =>
      targets.map(({ position, token }) => {
        this.#count(policy);
        return logprobsAfter(slot, policy.shape, tokens[position]!)[token]!;
      }),
    );
    return Float32Array.from(all);
  }

  async embed(): Promise<Float32Array[]> {
    throw new RangeError("a table has no hidden states");
  }

  /** Plain gradient descent, in place, a hundred times as far as AdamW's rates would go. */
  async trainStep(
    policy: Policy,
    optimizer: OptimizerState,
    sequences: readonly TrainingSequence[],
    { learningRate }: TrainOptions,
  ): Promise<TrainResult> {
    const { shape } = policy;
    const slot = live(policy);
    if (optimizer.version !== policy.version) throw stale(policy, optimizer.version);
    const gradient = new Float64Array(slot.logits.length);
    let loss = 0;
    for (const { tokens, targets } of sequences)
      for (const { position, token, component, coefficient, logprob } of targets) {
        const row = tokens[position]!;
        const at = logprobsAfter(slot, shape, row);
        const ratio = component === "policy" ? Math.exp(at[token]! - logprob) : 1;
        loss -= coefficient * (component === "policy" ? ratio : at[token]!);
        for (let v = 0; v < at.length; v++)
          gradient[row * at.length + v]! +=
            coefficient * ratio * (Number(v === token) - Math.exp(at[v]!));
        this.#count(policy);
      }
    for (let i = 0; i < gradient.length; i++) slot.logits[i]! += 100 * learningRate * gradient[i]!;
    slot.version++;
    const next: TablePolicy = { shape, version: slot.version, slot };
    return {
      policy: next,
      optimizer: { steps: optimizer.steps + 1, version: slot.version },
      loss,
      gradientNorm: Math.hypot(...gradient),
      entropy: 0,
      logprobMismatch: 0,
      clipFraction: 0,
      finite: true,
    };
  }

  async save(path: string, policy: Policy): Promise<void> {
    const { shape } = policy;
    writeFileSync(path, JSON.stringify({ shape, logits: [...live(policy).logits] }));
  }

  async restore(path: string): Promise<Policy> {
    const { shape, logits } = JSON.parse(readFileSync(path, "utf8")) as {
      shape: ModelShape;
      logits: number[];
    };
    return first(shape, Float64Array.from(logits));
  }

  async saveOptimizer(path: string, { steps }: OptimizerState): Promise<void> {
    writeFileSync(path, JSON.stringify({ steps }));
  }

  async restoreOptimizer(path: string): Promise<OptimizerState> {
    const { steps } = JSON.parse(readFileSync(path, "utf8")) as { steps: number };
    return { steps, version: 0 };
  }

  async close(): Promise<void> {}

  #count(policy: Policy): void {
    this.tokens++;
    this.flops += 2 * this.parameters(policy);
  }
}

function first(shape: ModelShape, logits: Float64Array): TablePolicy {
  return { shape, version: 0, slot: { logits, version: 0 } };
}

/** The slot of a policy that no update has overtaken. */
function live(policy: Policy): Slot {
  const { slot } = policy as TablePolicy;
  if (slot.version !== policy.version) throw stale(policy, slot.version);
  return slot;
}

function stale({ version }: Policy, latest: number): ErrataError {
  return new ErrataError(`version ${version} of a policy is gone: it is at version ${latest}`, {
    code: "POLICY_STALE",
    hint: "go on from what the last update returned, or fork a policy before it is updated",
  });
}

function logprobsAfter(
  { logits }: Slot,
  { vocabulary: V }: ModelShape,
  token: number,
  temperature: number = 1,
): number[] {
  const row = Array.from(logits.subarray(token * V, (token + 1) * V), (l) => l / temperature);
  const top = Math.max(...row);
  const total = Math.log(row.reduce((sum, l) => sum + Math.exp(l - top), 0));
  return row.map((l) => l - top - total);
}
