/** Policies and optimizer states as safetensors files. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import { adapterLayout, checkAdapterShape, type AdapterShape } from "../adapter.js";
import type { Policy, RestoreOptions } from "../engine.js";
import { localOf, localPolicy, type LocalOptimizer, type LocalPolicy } from "../local-policy.js";
import type { RopeScaling } from "../rope.js";
import {
  readSafetensors,
  writeSafetensors,
  type Safetensors,
  type SafetensorsOptions,
  type StoredTensor,
} from "./safetensors.js";
import {
  checkModelShape,
  parameterLayout,
  projections,
  type ModelShape,
  type Parameter,
} from "../shape.js";

const size = z.int().positive();
const positive = z.number().positive();
const ropeScaling: z.ZodType<RopeScaling> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("linear"), factor: positive }),
  z.strictObject({
    type: z.literal("llama3"),
    factor: positive,
    lowFrequency: positive,
    highFrequency: positive,
    original: size,
  }),
  z.strictObject({
    type: z.literal("yarn"),
    factor: positive,
    original: size,
    betaFast: positive,
    betaSlow: positive,
    attentionFactor: positive,
    truncate: z.boolean(),
  }),
]);
const modelShape: z.ZodType<ModelShape> = z.strictObject({
  vocabulary: size,
  width: size,
  layers: size,
  heads: size,
  keyValueHeads: size,
  headWidth: size,
  feedForward: size,
  context: size,
  tied: z.boolean(),
  ropeTheta: positive,
  normEpsilon: positive,
  biases: z.array(z.enum(projections)).exactOptional(),
  queryKeyNorm: z.boolean().exactOptional(),
  ropeScaling: ropeScaling.exactOptional(),
});
const adapterShape: z.ZodType<AdapterShape> = z.strictObject({
  rank: size,
  alpha: positive,
  targets: z.array(z.enum(projections)),
});

/**
 * Writes `policy` to `path`: its weights under their Hugging Face names, its shape as JSON in the
 * metadata key `errata.model`. Of a policy with an adapter only the adapter is written, with its
 * shape (`errata.adapter`) and the fingerprint of its base (`errata.base`).
 */
export async function savePolicy(
  path: string,
  policy: Policy,
  { precision = "float32" }: Pick<SafetensorsOptions, "precision"> = {},
): Promise<void> {
  const { shape, weights, adapter } = localOf(policy);
  const metadata = {
    format: "pt", // without it Hugging Face's transformers refuses the file
    "errata.model": JSON.stringify(modelShape.parse(shape)),
  };
  if (adapter === undefined) {
    const tensors = namedTensors(parameterLayout(shape), weights);
    return writeSafetensors(path, tensors, { metadata, precision });
  }
  const { rank, alpha, targets } = adapter;
  await writeSafetensors(path, namedTensors(adapterLayout(shape, adapter), adapter.weights), {
    metadata: {
      ...metadata,
      "errata.adapter": JSON.stringify({ rank, alpha, targets }),
      "errata.base": weightsFingerprint(weights),
    },
    precision,
  });
}

/** Views of a flat vector by name. */
export function namedTensors(
  layout: readonly Parameter[],
  weights: Float32Array,
): Map<string, StoredTensor> {
  return new Map(
    layout.map(({ name, shape, offset, size: count }) => [
      name,
      { shape, data: weights.subarray(offset, offset + count) },
    ]),
  );
}

/**
 * The flat vector of a layout, from tensors by name.
 * @throws ErrataError `CHECKPOINT_TENSORS` where they do not fit it, naming them.
 */
export function flatWeights(
  path: string,
  layout: readonly Parameter[],
  tensors: Safetensors["tensors"],
  hint = "the file does not hold the weights of this model",
): Float32Array {
  const weights = new Float32Array(layout.reduce((n, p) => n + p.size, 0));
  const named = new Set(layout.map((p) => p.name));
  const faults = [...tensors.keys()]
    .filter((name) => !named.has(name))
    .map((name) => `${name} unknown`);
  for (const { name, shape: dimensions, offset } of layout) {
    const tensor = tensors.get(name);
    if (tensor === undefined) faults.push(`${name} missing`);
    else if (tensor.shape.join() !== dimensions.join())
      faults.push(`${name} [${tensor.shape.join(", ")}], not [${dimensions.join(", ")}]`);
    else weights.set(tensor.data, offset);
  }
  if (faults.length > 0)
    throw new ErrataError(
      `${path}: ${faults.slice(0, 8).join("; ")}${faults.length > 8 ? "; ..." : ""}`,
      {
        code: "CHECKPOINT_TENSORS",
        hint,
      },
    );
  return weights;
}

/**
 * Reads a policy written by {@link savePolicy}; one with an adapter is put on the weights of `base`,
 * which are shared, not copied.
 * @throws ErrataError `CHECKPOINT_MODEL` (no or a wrong model shape), `CHECKPOINT_TENSORS` (weights
 * that do not fit it), `CHECKPOINT_BASE` (an adapter without its base), or those of `readSafetensors`.
 */
export async function loadPolicy(
  path: string,
  { base }: RestoreOptions = {},
): Promise<LocalPolicy> {
  const { tensors, metadata } = await readSafetensors(path);
  const shape = parseShape(path, metadata["errata.model"]);
  const described = metadata["errata.adapter"];
  if (described === undefined)
    return localPolicy(shape, flatWeights(path, parameterLayout(shape), tensors));
  const adapter = parseAdapter(path, described);
  const given = base && localOf(base);
  if (given === undefined || weightsFingerprint(given.weights) !== metadata["errata.base"])
    throw new ErrataError(
      `${path}: holds an adapter, and ${given === undefined ? "no base model" : "another base model"} was given`,
      { code: "CHECKPOINT_BASE", hint: "load it with the checkpoint it was trained on" },
    );
  const weights = flatWeights(path, adapterLayout(shape, adapter), tensors);
  return localPolicy(given.shape, given.weights, { ...adapter, weights });
}

/**
 * The shape of the model in a file that {@link savePolicy} wrote; of an adapter that of its base.
 * @throws ErrataError `CHECKPOINT_MODEL`, or those of `readSafetensors`.
 */
export async function storedShape(path: string): Promise<ModelShape> {
  const { metadata } = await readSafetensors(path);
  return parseShape(path, metadata["errata.model"]);
}

const fingerprints = new WeakMap<Float32Array, string>();

/** SHA-256 of the bytes of `weights`, in hexadecimal; computed once for each vector. */
export function weightsFingerprint(weights: Float32Array): string {
  let print = fingerprints.get(weights);
  if (print === undefined) {
    const hash = createHash("sha256");
    const step = 2 ** 26; // hashes of more than 2 GiB at once are refused
    for (let at = 0; at < weights.length; at += step) {
      const part = weights.subarray(at, at + step);
      hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    }
    print = hash.digest("hex");
    fingerprints.set(weights, print);
  }
  return print;
}

function parseShape(path: string, text: string | undefined): ModelShape {
  try {
    const shape = modelShape.parse(JSON.parse(text ?? "null"));
    checkModelShape(shape);
    return shape;
  } catch (cause) {
    throw new ErrataError(`${path}: no model shape in its metadata, or a wrong one: ${text}`, {
      code: "CHECKPOINT_MODEL",
      hint: "only checkpoints written by errata carry the metadata key errata.model",
      cause,
    });
  }
}

function parseAdapter(path: string, text: string): AdapterShape {
  try {
    const shape = adapterShape.parse(JSON.parse(text));
    checkAdapterShape(shape);
    return shape;
  } catch (cause) {
    throw new ErrataError(`${path}: a wrong adapter shape in its metadata: ${text}`, {
      code: "CHECKPOINT_MODEL",
      hint: "the file is damaged: copy it again",
      cause,
    });
  }
}

/** Writes `optimizer` to `path`: tensors `first` and `second` [P], metadata key `errata.steps`. */
export async function saveOptimizer(path: string, optimizer: LocalOptimizer): Promise<void> {
  const { first, second, steps } = optimizer;
  const tensors = new Map([
    ["first", { shape: [first.length], data: first }],
    ["second", { shape: [second.length], data: second }],
  ]);
  await writeSafetensors(path, tensors, { metadata: { "errata.steps": String(steps) } });
}

/**
 * Reads an optimizer state written by {@link saveOptimizer}.
 * @throws ErrataError `CHECKPOINT_OPTIMIZER`, or those of `readSafetensors`.
 */
export async function loadOptimizer(path: string): Promise<LocalOptimizer> {
  const { tensors, metadata } = await readSafetensors(path);
  const steps = Number(metadata["errata.steps"]);
  const [first, second] = [tensors.get("first")?.data, tensors.get("second")?.data];
  const whole = Number.isSafeInteger(steps) && steps >= 0;
  if (!whole || first === undefined || second === undefined || first.length !== second.length)
    throw new ErrataError(
      `${path}: tensors ${[...tensors.keys()].join(", ") || "none"}, steps ${metadata["errata.steps"]}`,
      {
        code: "CHECKPOINT_OPTIMIZER",
        hint: "the file is not an optimizer state written by errata",
      },
    );
  return { steps, version: 0, first, second };
}
