/**
 * Writes what follows from the configuration's schema: errata-config.schema.json, and the tables of
 * keys in docs/, between `<!-- keys: GROUP -->` and `<!-- /keys -->`.
 *
 *     node scripts/generate.js           writes them
 *     node scripts/generate.js --check   fails where one is not current
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";

const root = fileURLToPath(new URL("..", import.meta.url));
const { configJsonSchema } = await createJiti(import.meta.url).import("../src/config/json-schema.ts");
const { experimentalLabel } = await createJiti(import.meta.url).import("../src/config/experimental.ts");
const schema = configJsonSchema();

/** The schema as an editor reads it, which finds it by the file's `$schema`. */
const forEditors = {
  ...schema,
  title: "Configuration of Errata",
  properties: { $schema: { type: "string" }, ...schema.properties },
};

/** The text of every generated file, by path. */
function generated() {
  const files = new Map([
    [join(root, "errata-config.schema.json"), `${JSON.stringify(forEditors, null, 2)}\n`],
  ]);
  const docs = join(root, "docs");
  for (const name of readdirSync(docs).filter((file) => file.endsWith(".md"))) {
    const path = join(docs, name);
    const text = readFileSync(path, "utf8");
    const filled = text.replace(
      /(<!-- keys: (\S+) -->\n)[^]*?(<!-- \/keys -->)/g,
      (_, open, group, close) => `${open}${tables(group, path)}${close}`,
    );
    files.set(path, filled);
  }
  return files;
}

/** The table of one group; of `run`, the keys without a group; of `all`, every group under a heading. */
function tables(group, path) {
  const run = { properties: Object.fromEntries(entries(schema).filter(([, key]) => !isGroup(key))) };
  if (group === "run") return table(run, "");
  if (group === "all") {
    const groups = entries(schema).filter(([, key]) => isGroup(key));
    const section = ([name, key]) => `\n## ${name}\n\n${key.description}\n\n${table(key, `${name}.`)}`;
    return `\n## The run\n\n${table(run, "")}${groups.map(section).join("")}\n`;
  }
  const found = schema.properties[group];
  if (found === undefined) throw new Error(`${relative(root, path)}: there is no group ${group}`);
  const label = found.description.startsWith(experimentalLabel) ? "*Experimental*: no study has shown yet that this helps.\n\n" : "";
  return label + table(found, `${group}.`);
}

const entries = ({ properties = {} }) => Object.entries(properties);
const isGroup = (key) => key.properties !== undefined;

function table(group, prefix) {
  const lines = entries(group).flatMap(([name, key]) => [
    row(prefix + name, key),
    ...inside(key).map(([inner, value]) => row(`${prefix}${name}.${inner}`, value)),
  ]);
  return `| key | default | values | meaning |\n|---|---|---|---|\n${lines.join("\n")}\n`;
}

/** Keys of what a key may hold: of an adapter, of each remote partner. */
function inside(key) {
  const holder = [key, ...(key.anyOf ?? [])].find((one) => one.properties !== undefined);
  if (holder !== undefined) return entries(holder);
  const each = key.additionalProperties;
  return entries(each || {}).map(([name, value]) => [`NAME.${name}`, value]);
}

function row(name, key) {
  const cells = [`\`${name}\``, defaultOf(key), valuesOf(key), key.description];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultOf(key) {
  if (key.default === undefined) return "";
  if (key.default === Number.MAX_SAFE_INTEGER) return "no limit";
  if (key.default === "") return "none";
  const value = typeof key.default === "string" ? key.default : JSON.stringify(key.default);
  return `\`${value.replaceAll(",", ", ")}\``;
}

/** What a key may be, in words. */
function valuesOf(key) {
  if (key.anyOf !== undefined) return key.anyOf.map(valuesOf).join(" or ");
  if (key.const !== undefined) return `\`${key.const}\``;
  if (key.enum !== undefined) return key.enum.map((value) => `\`${value}\``).join(", ");
  if (key.type === "array") return `list of ${key.items.enum ? valuesOf(key.items) : "texts"}`;
  if (key.type === "boolean") return "`true`, `false`";
  if (key.type === "string") return "text";
  if (key.type === "object")
    return key.properties === undefined && key.additionalProperties ? `by name: ${valuesOf(key.additionalProperties)}` : "keys below";
  const whole = key.type === "integer";
  const kind = key.multipleOf === 2 ? "even, " : whole ? "whole, " : "";
  const { minimum, exclusiveMinimum, maximum } = key;
  const below = key.exclusiveMaximum;
  if (minimum !== undefined && maximum !== undefined) return `${kind}${minimum} to ${maximum}`;
  const bounds = [
    minimum === undefined ? "" : `at least ${minimum}`,
    exclusiveMinimum === undefined ? "" : `above ${exclusiveMinimum}`,
    maximum === undefined ? "" : `at most ${maximum}`,
    below === undefined ? "" : `below ${below}`,
  ];
  return kind + bounds.filter((bound) => bound !== "").join(", ");
}

const check = process.argv.includes("--check");
const stale = [...generated()].filter(
  ([path, text]) => !existsSync(path) || readFileSync(path, "utf8") !== text,
);
if (!check) for (const [path, text] of stale) writeFileSync(path, text);
for (const [path] of stale) console.log(`${check ? "not current" : "wrote"}: ${relative(root, path)}`);
if (check && stale.length > 0) {
  console.log("run npm run generate");
  process.exitCode = 1;
}
