/** Models in the folders that Hugging Face transformers writes: `config.json` and safetensors. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import type { Policy } from "../engine.js";
import { shapeFromConfig, type ShapeOptions } from "../families.js";
import { SafetensorsFile } from "./safetensors.js";
import { parameterCount, parameterLayout, type ModelShape } from "../shape.js";

/** The JSON in `path`. @throws ErrataError `CHECKPOINT_FILE` where it is missing or not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
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
 * The names of the files in `folder` that hold its weights: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` lists.
 * @throws ErrataError `CHECKPOINT_FILE` without either, or with an index that is damaged.
 */
export async function weightFiles(folder: string): Promise<string[]> {
  const path = join(folder, "model.safetensors.index.json");
  if (existsSync(path)) {
    const parsed = index.safeParse(await readJson(path));
    const names = [...new Set(Object.values(parsed.data?.weight_map ?? {}))].sort();
    if (names.length > 0 && names.every((name) => basename(name) === name)) return names;
    throw new ErrataError(`${path}: no weight_map, or one that names files elsewhere`, {
      code: "CHECKPOINT_FILE",
      hint: "copy or download the checkpoint again",
    });
  }
  if (existsSync(join(folder, "model.safetensors"))) return ["model.safetensors"];
  throw new ErrataError(`${folder}: no model.safetensors, and no index of shards`, {
    code: "CHECKPOINT_FILE",
    hint: "convert the checkpoint: model.save_pretrained(folder) in transformers writes safetensors",
  });
}

/**
 * Loads the model in `folder`, tensor by tensor, into one float32 vector (4 bytes a weight, whatever
 * the files hold).
 * @throws ErrataError `CHECKPOINT_ARCHITECTURE`, `CHECKPOINT_CONFIG`, `CHECKPOINT_FILE`,
 * `CHECKPOINT_TENSORS` (weights that do not fit the configuration), or those of `SafetensorsFile.open`.
 */
export async function loadPretrained(
  folder: string,
  options: Pick<ShapeOptions, "context"> = {},
): Promise<Policy> {
  const path = join(folder, "config.json");
  const shape = shapeFromConfig(await readJson(path), { ...options, path });
  const wanted = new Map(parameterLayout(shape).map((p) => [p.name, p]));
  const weights = allocate(shape, folder);
  const faults: string[] = [];
  for (const name of await weightFiles(folder)) {
    const file = await SafetensorsFile.open(join(folder, name));
    try {
      for (const [tensor, dimensions] of file.shapes) {
        const place = wanted.get(tensor);
        if (place === undefined) {
          if (!isRedundant(tensor, shape)) faults.push(`${tensor} unknown`);
        } else if (place.shape.join() !== dimensions.join())
          faults.push(`${tensor} [${dimensions.join(", ")}], not [${place.shape.join(", ")}]`);
        else await file.read(tensor, weights.subarray(place.offset, place.offset + place.size));
        wanted.delete(tensor);
      }
    } finally {
      await file.close();
    }
  }
  faults.push(...[...wanted.keys()].map((name) => `${name} missing`));
  if (faults.length > 0)
    throw new ErrataError(
      `${folder}: ${faults.slice(0, 8).join("; ")}${faults.length > 8 ? "; ..." : ""}`,
      {
        code: "CHECKPOINT_TENSORS",
        hint: "the weights are not those of the model that config.json describes",
      },
    );
  return { shape, weights };
}

/** Tensors that some files carry though the rest determines them. */
function isRedundant(name: string, shape: ModelShape): boolean {
  return name.endsWith(".rotary_emb.inv_freq") || (shape.tied && name === "lm_head.weight");
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
