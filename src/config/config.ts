/** The types of a configuration, read off its schema. */
import type { Options, OptionsInput } from "../util/options.js";
import type { configSchema } from "./schema.js";

/** A checked configuration, every default filled in. */
export type Config = Options<typeof configSchema>;

/** What a user writes: any part of {@link Config}. */
export type ConfigInput = OptionsInput<typeof configSchema>;

/** Types an `errata.config.ts`; returns its argument. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
