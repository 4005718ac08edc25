/** The configuration's schema for editors, tables and lists: JSON Schema (2020-12). */
import { z } from "zod";
import { configSchema } from "./schema.js";

/** The part of JSON Schema that a configuration needs. */
export interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly [keyword: string]: unknown;
}

/** What a user may write, with the default and the meaning of every key. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, {
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as JsonSchema;
}
