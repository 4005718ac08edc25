import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Option, type Command } from "commander";
import { ErrataError } from "../util/error.js";
import { command } from "./command.js";
import { defaultStudent, templateNames, templates, type TemplateName } from "./init-templates.js";
import { Terminal } from "./terminal.js";

interface InitOptions {
  readonly template?: TemplateName;
  readonly student: string;
  readonly json?: boolean;
}

/** What `npm install errata` leaves behind in an empty folder. */
const installed: readonly string[] = ["node_modules", "package.json", "package-lock.json"];

/** `errata init`. */
export const initCommand: Command = command("init", "write a project that trains at once", [
  "errata init my-project",
  "errata init my-project --template tasks",
  "errata init . --template environment",
])
  .argument(
    "[folder]",
    "where to write: new, empty, or with nothing but what npm install left",
    ".",
  )
  .addOption(
    new Option(
      "--template <name>",
      "preset: Errata's own sums, nothing to download (the default); environment: your rules, in TypeScript; tasks: your questions, one a line, for an open model",
    ).choices(templateNames),
  )
  .option("--student <model>", "with tasks: the open model, a folder or a hub id", defaultStudent)
  .action(initAction);

async function initAction(folder: string, options: InitOptions): Promise<void> {
  const terminal = new Terminal(options);
  const held = existsSync(folder)
    ? readdirSync(folder).filter((name) => !name.startsWith(".") && !installed.includes(name))
    : [];
  if (held.length > 0)
    throw new ErrataError(`${folder} is not empty: it holds ${held.slice(0, 5).join(", ")}`, {
      code: "INIT_EXISTS",
      hint: "name a new folder: errata init my-project",
    });
  const template = options.template ?? (await askTemplate(terminal));
  const manifest = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const name =
    basename(resolve(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-") || "project";
  const made = templates[template]({ name, version, student: options.student });
  const files: Record<string, string> = { ...made };
  files["package.json"] = joined(folder, files["package.json"]!);
  if (existsSync(join(folder, ".gitignore"))) delete files[".gitignore"];
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const next = [...(folder === "." ? [] : [`cd ${folder}`]), "npx errata train"];
  terminal.print(`${folder}: ${Object.keys(files).join(", ")}`);
  terminal.print("next:");
  for (const line of next) terminal.print(`  ${line}`);
  terminal.result({ folder, template, files: Object.keys(files), next });
}

/** The template's `package.json`, with what the folder's own says kept. */
function joined(folder: string, text: string): string {
  const path = join(folder, "package.json");
  if (!existsSync(path)) return text;
  const template = JSON.parse(text) as Manifest;
  const own = parsed(path);
  const both: Manifest = {
    ...template,
    ...own,
    type: "module",
    scripts: { ...template.scripts, ...own.scripts },
    dependencies: { ...template.dependencies, ...own.dependencies },
  };
  return `${JSON.stringify(both, null, 2)}\n`;
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** @throws ErrataError `INIT_EXISTS` for a `package.json` that is none. */
function parsed(path: string): Manifest {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Manifest;
  } catch {
    // Named below.
  }
  throw new ErrataError(`${path} is no JSON object`, {
    code: "INIT_EXISTS",
    hint: "mend or delete it, or name a new folder: errata init my-project",
  });
}

/** Asks in a terminal; elsewhere it is the first one. */
async function askTemplate(terminal: Terminal): Promise<TemplateName> {
  if (terminal.json || !process.stdin.isTTY || !process.stdout.isTTY) return templateNames[0];
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    for (;;) {
      const question = `template (${templateNames.join(", ")}) [${templateNames[0]}]: `;
      const answer = (await lines.question(question)).trim() || templateNames[0];
      const found = templateNames.find((known) => known === answer);
      if (found !== undefined) return found;
    }
  } finally {
    lines.close();
  }
}
