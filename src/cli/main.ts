/** The `errata` command. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { ErrataError } from "../util/error.js";
import { fileFault } from "../util/file-fault.js";
import { group } from "./command.js";
import { completionCommand } from "./completion.js";
import { exitCodes, usageCodes } from "./exit-codes.js";
import { paint } from "./terminal.js";

/** Every command, in the order of the help; a module is loaded where its command is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./init.js")).initCommand,
  demo: async () => (await import("./demo.js")).demoCommand,
  train: async () => (await import("./train.js")).trainCommand,
  runs: async () => (await import("./runs-list.js")).runsCommand,
  chat: async () => (await import("./chat.js")).chatCommand,
  eval: async () => (await import("./eval.js")).evalCommand,
  export: async () => (await import("./export.js")).exportCommand,
  serve: async () => (await import("./serve.js")).serveCommand,
  gate: async () => (await import("./gate.js")).gateCommand,
  rescue: async () => (await import("./rescue.js")).rescueCommand,
  compare: async () => (await import("./compare.js")).compareCommand,
  study: async () => (await import("./study.js")).studyCommand,
  ui: async () => (await import("./ui.js")).uiCommand,
  report: async () => (await import("./report.js")).reportCommand,
  corpus: async () => (await import("./corpus.js")).corpusCommand,
  env: async () => (await import("./env.js")).envCommand,
  models: async () => (await import("./models.js")).modelsCommand,
  doctor: async () => (await import("./doctor.js")).doctorCommand,
};

const versionFlags: ReadonlySet<string> = new Set(["--version", "-V"]);

/** Runs one command line; the outcome is `process.exitCode` (see {@link exitCodes}). */
export async function main(args: readonly string[]): Promise<void> {
  const program = await errata(args[0]);
  if (args.length === 0) {
    program.outputHelp();
    return;
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = report(error, args);
  }
}

/** The program: with the command `asked` alone where that is one, else with all. */
async function errata(asked = ""): Promise<Command> {
  const manifest = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const program = group("errata", "Reinforcement learning from the mistakes of weaker models.")
    .version(version)
    .addHelpText(
      "after",
      "\nExit status: 0 done, 1 failed, 2 usage or configuration error, 130 interrupted and saved.\n" +
        "\nExamples:\n  errata demo\n  errata train --preset arithmetic --steps 100\n",
    );
  if (versionFlags.has(asked)) return program;
  const load = commands[asked];
  const loaders = load === undefined ? Object.values(commands) : [load];
  for (const added of await Promise.all(loaders.map((loader) => loader())))
    program.addCommand(added);
  return program.addCommand(completionCommand(program));
}

/** Tells the user what went wrong; the exit status. */
function report(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    // Commander has already printed it.
    if (error.exitCode === 0) return exitCodes.ok;
    const keys = args.filter((arg) => /^[a-zA-Z][\w.]*=/.test(arg)).join(" ");
    if (error.code === "commander.excessArguments" && keys !== "")
      process.stderr.write(`hint:  --set ${keys}\n`);
    if (args.includes("--json")) printJson({ code: error.code, message: error.message });
    return exitCodes.usage;
  }
  const known = error instanceof ErrataError ? error : fileFault(error);
  const { message } = known ?? (error instanceof Error ? error : new Error(String(error)));
  process.stderr.write(`${paint.red("error")}: ${message}\n`);
  if (known?.hint !== undefined) process.stderr.write(`hint:  ${known.hint}\n`);
  if (known !== undefined) process.stderr.write(`${paint.dim(`code:  ${known.code}`)}\n`);
  if (args.includes("--debug") && error instanceof Error) process.stderr.write(`${trace(error)}\n`);
  else if (known === undefined) process.stderr.write("hint:  --debug prints where it happened\n");
  if (args.includes("--json"))
    printJson({ code: known?.code ?? "INTERNAL", message, hint: known?.hint ?? null });
  return known !== undefined && usageCodes.has(known.code) ? exitCodes.usage : exitCodes.failed;
}

function printJson(error: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ error })}\n`);
}

/** The stack, and the stacks of what caused it. */
function trace(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${trace(error.cause)}` : own;
}
