/** Models in the folders that Hugging Face transformers writes: `config.json` and safetensors. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import { utf8 } from "../../util/read-text.js";
import { localPolicy, type LocalPolicy } from "../local-policy.js";
import { shapeFromConfig, type ShapeOptions } from "../families.js";
import { SafetensorsFile } from "./safetensors.js";
import { parameterCount, parameterLayout, type ModelShape } from "../shape.js";

/** The JSON in `path`. @throws ErrataError `CHECKPOINT_FILE` where it is missing or not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(utf8(await readFile(path)));
  } catch (cause) {
    throw new ErrataError(
      `cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        code: "CHECKPOINT_FILE",
        hint: "a checkpoint is a folder with config.json, model.safetensors and tokenizer.json",
        cause,
      },
    );
  }
}

const index = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * The names of the files in `folder` that hold its weights: `model.safetensors`, else the shards that
 * `model.safetensors.index.json` lists. Where both are there the single file counts, as in transformers.
 * @throws ErrataError `CHECKPOINT_FILE` without either, or with an index that is damaged.
 */
export async function weightFiles(
  folder: string,
  onNotice?: (notice: string) => void,
): Promise<string[]> {
  const path = join(folder, "model.safetensors.index.json");
  if (existsSync(join(folder, "model.safetensors"))) {
    if (existsSync(path))
      onNotice?.(`${folder}: model.safetensors is read, and the index of shards beside it is not`);
    return ["model.safetensors"];
  }
  if (existsSync(path)) {
    const parsed = index.safeParse(await readJson(path));
    const names = [...new Set(Object.values(parsed.data?.weight_map ?? {}))].sort();
    if (names.length > 0 && names.every((name) => basename(name) === name)) return names;
    throw broken(`${path}: no weight_map, or one that names files elsewhere`);
  }
  throw new ErrataError(`${folder}: no model.safetensors, and no model.safetensors.index.json`, {
    code: "CHECKPOINT_FILE",
    hint: "convert the checkpoint: model.save_pretrained(folder) in transformers writes safetensors",
  });
}

/**
 * Loads the model in `folder`, tensor by tensor, into one float32 vector (4 bytes a weight, whatever
 * the files hold). A configuration that ties the head to the embedding beside files that hold a head of
 * other values gives an untied model, as in transformers.
 * @throws ErrataError `CHECKPOINT_ARCHITECTURE`, `CHECKPOINT_CONFIG`, `CHECKPOINT_FILE`,
 * `CHECKPOINT_TENSORS` (weights that do not fit the configuration), or those of `SafetensorsFile.open`.
 */
export async function loadPretrained(
  folder: string,
  options: Pick<ShapeOptions, "context" | "onNotice"> = {},
): Promise<LocalPolicy> {
  const path = join(folder, "config.json");
  const described = shapeFromConfig(await readJson(path), { ...options, path });
  const names = await weightFiles(folder, options.onNotice);
  const absent = names.find((name) => !existsSync(join(folder, name)));
  if (absent !== undefined)
    throw broken(
      `${folder}/model.safetensors.index.json names ${absent}, which is not there`,
      "SAFETENSORS_UNREADABLE",
    );
  const files: SafetensorsFile[] = [];
  try {
    for (const name of names) files.push(await SafetensorsFile.open(join(folder, name)));
    const notice = (message: string): void => options.onNotice?.(`${path}: ${message}`);
    return await policyFrom(described, files, { folder, names }, notice);
  } finally {
    for (const file of files) await file.close();
  }
}

/** A file of weights, under the names of transformers. */
export interface WeightFile {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Reads a tensor into a vector of its size. */
  read(name: string, into: Float32Array): Promise<void>;
}

/** Where files of weights lie, for messages. */
interface Place {
  readonly folder: string;
  readonly names: readonly string[];
}

/**
 * The model of a shape, its weights read from `files`.
 * @throws ErrataError `CHECKPOINT_TENSORS` for weights that do not fit the shape.
 */
export async function policyFrom(
  described: ModelShape,
  files: readonly WeightFile[],
  where: Place,
  onNotice: (notice: string) => void = () => undefined,
): Promise<LocalPolicy> {
  const holdsHead = files.some((file) => file.shapes.has(head));
  // Read as untied first: only the values say whether the head is the embedding.
  const shape = described.tied && holdsHead ? { ...described, tied: false } : described;
  const faults: string[] = [];
  const weights = await readWeights(files, shape, described.tied, where, faults);
  const [one, ...others] = where.names;
  const place =
    others.length === 0 ? join(where.folder, one!) : `${where.folder} (${one} and others)`;
  if (faults.length > 0) throw misfit(place, faults);
  if (shape === described) return localPolicy(shape, weights);
  const places = new Map(parameterLayout(shape).map((p) => [p.name, p]));
  const of = (name: string): Float32Array => {
    const { offset, size } = places.get(name)!;
    return weights.subarray(offset, offset + size);
  };
  if (isEqual(of(head), of(embedding)))
    return localPolicy(described, weights.slice(0, parameterCount(described)));
  onNotice(
    "tie_word_embeddings is true, and the files hold a head of its own, which is used, as in transformers",
  );
  return localPolicy(shape, weights);
}

const broken = (what: string, code = "CHECKPOINT_FILE"): ErrataError =>
  new ErrataError(what, {
    code,
    hint: "copy or download the checkpoint again",
  });

const head = "lm_head.weight";
const embedding = "model.embed_tokens.weight";

/** Weights in flat order; what is missing, unknown, stored twice or of another size goes to `faults`. */
async function readWeights(
  files: readonly WeightFile[],
  shape: ModelShape,
  tied: boolean,
  { folder, names }: Place,
  faults: string[],
): Promise<Float32Array> {
  const wanted = new Map(parameterLayout(shape).map((p) => [p.name, p]));
  const weights = allocate(shape, folder);
  const read = new Set<string>();
  for (const [i, file] of files.entries())
    for (const [tensor, dimensions] of file.shapes) {
      const where = files.length === 1 ? "" : ` in ${names[i]}`;
      const place = wanted.get(tensor);
      if (place === undefined) {
        if (!tensor.endsWith(".rotary_emb.inv_freq")) faults.push(`${tensor} unknown${where}`);
        continue;
      }
      if (read.has(tensor)) faults.push(`${tensor} stored twice${where}`);
      else if (place.shape.join() !== dimensions.join())
        faults.push(
          `${tensor} [${dimensions.join(", ")}], not [${place.shape.join(", ")}]${where}`,
        );
      else await file.read(tensor, weights.subarray(place.offset, place.offset + place.size));
      read.add(tensor);
    }
  // Of a tied pair either half stands for both, as in transformers.
  if (tied && read.has(head) && !read.has(embedding)) {
    const [from, to] = [wanted.get(head)!, wanted.get(embedding)!];
    weights.copyWithin(to.offset, from.offset, from.offset + from.size);
    read.add(embedding);
  }
  faults.push(...[...wanted.keys()].filter((n) => !read.has(n)).map((name) => `${name} missing`));
  return weights;
}

const misfit = (place: string, faults: readonly string[]): ErrataError =>
  new ErrataError(`${place}: ${faults.slice(0, 8).join("; ")}${faults.length > 8 ? "; ..." : ""}`, {
    code: "CHECKPOINT_TENSORS",
    hint: "the weights are not those of the model that config.json describes",
  });

function isEqual(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function allocate(shape: ModelShape, folder: string): Float32Array {
  const count = parameterCount(shape);
  try {
    return new Float32Array(count);
  } catch (cause) {
    throw new ErrataError(
      `${folder}: ${(count / 1e9).toFixed(1)} billion weights need ${((count * 4) / 2 ** 30).toFixed(1)} GiB`,
      {
        code: "CHECKPOINT_MEMORY",
        hint: "use a smaller model or a machine with more memory",
        cause,
      },
    );
  }
}
