/** The configuration's schema for editors, tables and lists: JSON Schema (2020-12). */
import { z } from "zod";
import { experimentalKeys, labelled } from "./experimental.js";
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
  const schema = z.toJSONSchema(configSchema, {
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as JsonSchema;
  for (const key of experimentalKeys) label(schema, key);
  return schema;
}

/** @throws RangeError where the schema has no such key. */
function label(schema: JsonSchema, key: string): void {
  const found = key
    .split(".")
    .reduce<JsonSchema | undefined>((within, name) => within?.properties?.[name], schema);
  if (found?.description === undefined) throw new RangeError(`label: there is no key ${key}`);
  Object.assign(found, { description: labelled(key, found.description) });
}
