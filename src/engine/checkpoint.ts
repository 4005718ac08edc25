/** Policies and optimizer states as safetensors files. */
import { z } from "zod";
import { ErrataError } from "../error.js";
import type { OptimizerState, Policy } from "./engine.js";
import { readSafetensors, writeSafetensors, type SafetensorsOptions } from "./safetensors.js";
import {
  checkModelShape,
  parameterCount,
  parameterLayout,
  type ModelShape,
} from "./transformer.js";

const size = z.int().positive();
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
  ropeTheta: z.number().positive(),
  normEpsilon: z.number().positive(),
});

/**
 * Writes `policy` to `path`: its weights under their Hugging Face names, its shape as JSON in the
 * metadata key `errata.model`.
 */
export async function savePolicy(
  path: string,
  policy: Policy,
  { precision = "float32" }: Pick<SafetensorsOptions, "precision"> = {},
): Promise<void> {
  const { shape, weights } = policy;
  const tensors = parameterLayout(shape).map(
    ({ name, shape: dimensions, offset, size: count }) =>
      [name, { shape: dimensions, data: weights.subarray(offset, offset + count) }] as const,
  );
  const metadata = {
    format: "pt", // without it Hugging Face's transformers refuses the file
    "errata.model": JSON.stringify(modelShape.parse(shape)),
  };
  await writeSafetensors(path, new Map(tensors), { metadata, precision });
}

/**
 * Reads a policy written by {@link savePolicy}.
 * @throws ErrataError `CHECKPOINT_MODEL` (no or a wrong model shape), `CHECKPOINT_TENSORS` (weights
 * that do not fit it), or those of `readSafetensors`.
 */
export async function loadPolicy(path: string): Promise<Policy> {
  const { tensors, metadata } = await readSafetensors(path);
  const shape = parseShape(path, metadata["errata.model"]);
  const layout = parameterLayout(shape);
  const weights = new Float32Array(parameterCount(shape));
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
    throw new ErrataError(`${path}: ${faults.join("; ")}`, {
      code: "CHECKPOINT_TENSORS",
      hint: "the file does not hold the model that its metadata describes",
    });
  return { shape, weights };
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

/** Writes `optimizer` to `path`: tensors `first` and `second` [P], metadata key `errata.steps`. */
export async function saveOptimizer(path: string, optimizer: OptimizerState): Promise<void> {
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
export async function loadOptimizer(path: string): Promise<OptimizerState> {
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
  return { steps, first, second };
}
