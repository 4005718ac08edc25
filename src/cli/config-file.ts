/** Where a configuration comes from: preset, then file, then flags, then `--set`. */
import { existsSync } from "node:fs";
import type { Config, ConfigInput } from "../config/config.js";
import { openModelDefaults, usesOpenModelAlone } from "../config/defaults.js";
import { mergeConfig } from "../config/merge.js";
import { applyOverrides } from "../config/overrides.js";
import { parseConfig } from "../config/parse.js";
import { ErrataError } from "../util/error.js";
import { importDefault } from "../util/import-default.js";
import { withPriceFile } from "./price-file.js";
import { presetNamed } from "../students/presets/presets.js";

/** The file that is read where none is named. */
export const defaultConfigFile = "errata.config.ts";

/** Parts of a configuration, weakest first but for the preset's own defaults, which come under all. */
export interface ConfigSources {
  /** Path of a configuration file; by default {@link defaultConfigFile}, where it exists. */
  readonly file?: string;
  readonly flags?: ConfigInput;
  /** `key=value` texts. */
  readonly overrides?: readonly string[];
}

/**
 * The configuration of a command: defaults < preset or open model < file < flags < `--set`.
 * @throws ErrataError `CONFIG_MISSING`, `CONFIG_FILE`, `CONFIG_INVALID`, `CONFIG_SET`, `PRESET_UNKNOWN`,
 *   `PRICES_FILE`.
 */
export async function resolveConfig({
  file,
  flags = {},
  overrides = [],
}: ConfigSources): Promise<Config> {
  const written = await readConfigFile(file);
  const asIs = applyOverrides(mergeConfig(written?.input ?? {}, flags), overrides);
  const input = withPriceFile(asIs);
  const source = sourceOfKeys({ ...written, overrides });
  const asked = parseConfig(input, source);
  // An environment of its own takes the place of the preset's, and of what was tuned for that.
  const preset = usesOpenModelAlone(asked) ? {} : presetNamed(asked.preset).config;
  const defaults = mergeConfig(preset, openModelDefaults(asked));
  return parseConfig(mergeConfig(defaults, input), source);
}

/** Which part says a key that is wrong: `--set`, else the file where it has the key, else "the configuration". */
export function sourceOfKeys({
  path,
  input,
  overrides = [],
}: {
  readonly path?: string;
  readonly input?: ConfigInput;
  readonly overrides?: readonly string[];
}): (key: string) => string {
  const set = overrides.map((override) => override.slice(0, override.indexOf("=")));
  return (key) => {
    // What an override has replaced lies on the way to the key, or behind it.
    if (set.some((name) => within(name, key) || within(key, name))) return "--set";
    if (path === undefined) return "the configuration";
    if (key === "") return path;
    let value: unknown = input;
    for (const part of key.split(".")) value = isRecord(value) ? value[part] : undefined;
    return value === undefined ? "the configuration" : path;
  };
}

/** Whether a dotted key is `outer` or lies below it; nothing lies below the empty key. */
function within(key: string, outer: string): boolean {
  return outer !== "" && (key === outer || key.startsWith(`${outer}.`));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readConfigFile(
  file: string | undefined,
): Promise<{ path: string; input: ConfigInput } | undefined> {
  const path = file ?? defaultConfigFile;
  if (file === undefined && !existsSync(path)) return undefined;
  if (!existsSync(path))
    throw new ErrataError(`there is no configuration file ${path}`, {
      code: "CONFIG_MISSING",
      hint: `name an existing file, or leave -c out to use ${defaultConfigFile} where there is one`,
    });
  const { $schema: _, ...input } = await importDefault(path, "defineConfig({ ... })");
  return { path, input };
}

/** `saved` with what may change when a run is carried on: none of it changes what a step learns. */
export function carriedOn(saved: Config, asked: Config): Config {
  const { steps, budget, prices, track } = asked;
  return { ...saved, steps, budget, prices, track };
}

/**
 * Makes sure that a run is carried on with the configuration it was started with, but for more steps, and what
 * it may spend and tell.
 * @throws ErrataError `RUN_CONFIG_CHANGED`, listing every difference.
 */
export function requireSameConfig(folder: string, saved: Config, asked: Config): void {
  const changes: string[] = [];
  const visit = (a: unknown, b: unknown, path: string): void => {
    if (isRecord(a) && isRecord(b))
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        visit(a[key], b[key], path === "" ? key : `${path}.${key}`);
    else if (JSON.stringify(a) !== JSON.stringify(b))
      changes.push(`${path} is ${JSON.stringify(a)}, not ${JSON.stringify(b)}`);
  };
  const { steps } = asked.steps > saved.steps ? saved : asked;
  const { budget, prices, track } = saved;
  visit(saved, { ...asked, steps, budget, prices, track }, "");
  if (changes.length === 0) return;
  throw new ErrataError(
    `${folder} was started with another configuration:\n  ${changes.join("\n  ")}`,
    {
      code: "RUN_CONFIG_CHANGED",
      hint: "leave those flags out to resume it (only --steps may grow, and budget, prices and track change), or start anew under another --name",
    },
  );
}
