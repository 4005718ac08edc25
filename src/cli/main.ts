/** The `errata` command. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { ErrataError } from "../util/error.js";
import { group } from "./command.js";
import { chatCommand } from "./chat.js";
import { compareCommand } from "./compare.js";
import { completionCommand } from "./completion.js";
import { corpusCommand } from "./corpus.js";
import { demoCommand } from "./demo.js";
import { doctorCommand } from "./doctor.js";
import { envCommand } from "./env.js";
import { evalCommand } from "./eval.js";
import { exportCommand } from "./export.js";
import { exitCodes, usageCodes } from "./exit-codes.js";
import { gateCommand } from "./gate.js";
import { initCommand } from "./init.js";
import { modelsCommand } from "./models.js";
import { reportCommand } from "./report.js";
import { rescueCommand } from "./rescue.js";
import { runsCommand } from "./runs-list.js";
import { serveCommand } from "./serve.js";
import { studyCommand } from "./study.js";
import { paint } from "./terminal.js";
import { trainCommand } from "./train.js";
import { uiCommand } from "./ui.js";

/** Runs one command line; the outcome is `process.exitCode` (see {@link exitCodes}). */
export async function main(args: readonly string[]): Promise<void> {
  const program = errata();
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

function errata(): Command {
  const manifest = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const program = group("errata", "Reinforcement learning from the mistakes of weaker models.")
    .version(version)
    .addCommand(initCommand)
    .addCommand(demoCommand)
    .addCommand(trainCommand)
    .addCommand(runsCommand)
    .addCommand(chatCommand)
    .addCommand(evalCommand)
    .addCommand(exportCommand)
    .addCommand(serveCommand)
    .addCommand(gateCommand)
    .addCommand(rescueCommand)
    .addCommand(compareCommand)
    .addCommand(studyCommand)
    .addCommand(uiCommand)
    .addCommand(reportCommand)
    .addCommand(corpusCommand)
    .addCommand(envCommand)
    .addCommand(modelsCommand)
    .addCommand(doctorCommand)
    .addHelpText(
      "after",
      "\nExit status: 0 done, 1 failed, 2 usage or configuration error, 130 interrupted and saved.\n" +
        "\nExamples:\n  errata demo\n  errata train --preset arithmetic --steps 100\n",
    );
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
  const known = error instanceof ErrataError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
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
