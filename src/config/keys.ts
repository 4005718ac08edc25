/** The keys of a configuration, listed. */
import type { Config } from "./config.js";
import { configJsonSchema, type JsonSchema } from "./json-schema.js";
import { costRoles } from "../watch/roles.js";
import { configSchema } from "./schema.js";

/** Every key of the configuration, dotted. */
export function configKeys(): string[] {
  const keys: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (path !== "") keys.push(path);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value))
        visit(inner, path === "" ? key : `${path}.${key}`);
  };
  visit(
    configSchema.parse({
      partners: { names: [] },
      budget: { flops: 1, seconds: 1, money: 1, tokens: 1 },
      prices: {
        ...Object.fromEntries(costRoles.map((role) => [role, 0])),
        file: "",
        currency: "USD",
        models: {},
        hours: { cpu: 0, gpu: 0 },
      },
    }),
    "",
  );
  return keys;
}

/** Keys that a configuration leaves open and that have no default, with what each means. */
export function openKeys(config: Config): ReadonlyMap<string, string> {
  const open = new Map<string, string>();
  const visit = (schema: JsonSchema, value: unknown, path: string): void => {
    const given = (typeof value === "object" && value !== null ? value : {}) as Record<
      string,
      unknown
    >;
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const key = path === "" ? name : `${path}.${name}`;
      if (property.properties !== undefined) visit(property, given[name], key);
      else if (given[name] === undefined) open.set(key, property.description ?? "");
    }
  };
  visit(configJsonSchema(), config, "");
  return open;
}
