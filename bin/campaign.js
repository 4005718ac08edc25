#!/usr/bin/env node
/**
 * Runs a campaign of campaign/ by name: `npm run campaign -- NAME [--seed N] [options of its own]`. Each is
 * one file that exports `run(options)`, which resolves to `{tried, held, failed}`; it is printed as JSON,
 * and the exit status is 1 where something failed. Campaigns take minutes and are no part of the tests.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createJiti } from "jiti";
import { root } from "./build.js";

const folder = join(root, "campaign");
const known = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));
const [name, ...rest] = process.argv.slice(2);

if (name === undefined || !known.includes(name)) {
  const list = known.map((one) => `  ${one}  ${aboutOf(one)}\n`).join("");
  const said = name === undefined ? "" : `there is no campaign "${name}"\n`;
  process.stderr.write(`${said}npm run campaign -- <name> [--seed 0]\n${list}`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  const { values } = parseArgs({
    args: rest,
    options: {
      seed: { type: "string", default: "0" },
      only: { type: "string" },
      tries: { type: "string" },
    },
  });
  const jiti = createJiti(import.meta.url);
  const { run } = await jiti.import(join(folder, `${name}.ts`));
  const { tries, ...named } = values;
  const result = await run({
    ...named,
    seed: Number(values.seed),
    ...(tries === undefined ? {} : { tries: Number(tries) }),
  });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.failed.length > 0 ? 1 : 0;
}

/** The first sentence of a campaign's file. */
function aboutOf(one) {
  const text = readFileSync(join(folder, `${one}.ts`), "utf8");
  return (/^\/\*\*\s*([\s\S]*?)\*\//.exec(text)?.[1] ?? "")
    .replaceAll(/\s*\n?\s*\*?\s+/g, " ")
    .trim();
}
