#!/usr/bin/env node
/** Runs the benchmarks in bench/ by name; without a name, lists them. `--json` prints JSON. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { createJiti } from "jiti";
import { root } from "./build.js";

const folder = join(root, "bench");
const known = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));
const args = process.argv.slice(2);
const json = args.includes("--json");
const names = args.filter((arg) => arg !== "--json");
const unknown = names.filter((name) => !known.includes(name));

if (unknown.length > 0) {
  process.stderr.write(`there is no benchmark ${unknown.join(", ")}; known: ${known.join(", ")}\n`);
  process.exitCode = 2;
} else if (names.length === 0) {
  const list = known.map((name) => ({ name, about: aboutOf(name) }));
  if (json) process.stdout.write(`${JSON.stringify(list)}\n`);
  else {
    process.stdout.write("npm run bench -- <name> [--json]\n");
    for (const { name, about } of list) process.stdout.write(`  ${name}  ${about}\n`);
  }
} else {
  const jiti = createJiti(import.meta.url);
  const { memoryEnvironment } = await jiti.import(join(root, "src/engine/memory.ts"));
  const env = memoryEnvironment(process.env);
  if (env === process.env)
    for (const name of names) {
      const { run } = await jiti.import(join(folder, `${name}.ts`));
      process.stdout.write(`${JSON.stringify(await run(), null, json ? 0 : 2)}\n`);
    }
  else {
    // Once more, with the memory settings that training has too.
    const again = spawnSync(process.execPath, process.argv.slice(1), { env, stdio: "inherit" });
    process.exitCode = again.status ?? 1;
  }
}

/** The first line of a benchmark's own comment. */
function aboutOf(name) {
  const [first = ""] = readFileSync(join(folder, `${name}.ts`), "utf8").split("\n");
  return first.replace(/^\/\*\*\s*|\s*\*\/$/g, "");
}
