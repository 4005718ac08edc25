import type { Command } from "commander";
import { checkEnvironment, type CheckResult } from "../assess/check-environment.js";
import { environmentNames } from "../environments/index.js";
import { command, group, wholeNumber } from "./command.js";
import { dataSetNames, environmentNamed } from "../environments/from-file.js";
import { userFor } from "../partners/simulated-user.js";
import { exitCodes } from "./exit-codes.js";
import { count, paint, Terminal } from "./terminal.js";
import { userCost, userExample, withSettings } from "./user-settings.js";

interface CheckFlags {
  readonly tasks: number;
  readonly seed: number;
  readonly level?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const checkCommand = command(
  "check",
  "require an environment to accept every right answer and refuse every corrupted one",
  [
    "errata env check arithmetic --tasks 2000",
    "errata env check proof --json",
    "errata env check ./tasks.jsonl",
    "errata env check ./my-environment.ts",
    "errata env check tau2-retail --tasks 3 --set user.source=http://localhost:8000/v1 user.model=name",
  ],
)
  .argument(
    "<name>",
    `the environment: ${environmentNames.join(", ")}; ${dataSetNames.join(", ")} also with a place (mbpp:problems.jsonl); or a file of tasks (.jsonl) or code (.ts, .js)`,
  )
  .option("--tasks <n>", "tasks tried, spread over levels and splits", wholeNumber(1), 500)
  .option("--seed <n>", "seed of the tasks", wholeNumber(0), 0)
  .option("--level <name>", "only this level of difficulty")
  .option("--set <key=value...>", `who plays the user, for example ${userExample}`)
  .action(checkAction);

/** `errata env`. */
export const envCommand: Command = group(
  "env",
  "the environments that give tasks and verdicts",
).addCommand(checkCommand);

async function checkAction(name: string, options: CheckFlags): Promise<void> {
  const terminal = new Terminal(options);
  const user = await userFor(withSettings({}, options.set).user);
  const checked = await environmentNamed(name, user === undefined ? {} : { user });
  const { failures, ...counts } = await checkEnvironment(checked, {
    tasks: options.tasks,
    seed: options.seed,
    ...(options.level === undefined ? {} : { level: options.level }),
  });
  const { tasks, referenceAccepted, corrupted, corruptedRejected, verdictsPerSecond } = counts;
  const warnings = weaknesses(counts);
  const sound =
    failures.length === 0 && referenceAccepted === tasks && corruptedRejected === corrupted;
  if (terminal.json) {
    const { corruptedBlank, located: _located, unlocated: _unlocated, ...shown } = counts;
    terminal.result({
      ...shown,
      ...(corruptedBlank === 0 ? {} : { corruptedBlank }),
      ...(user === undefined ? {} : { user: user.spent }),
      ...(warnings.length === 0 ? {} : { warning: warnings.join("; ") }),
      ...(sound ? {} : { failures }),
    });
  } else {
    terminal.print(`${counts.env}: ${sound ? "sound" : paint.red("NOT sound")}`);
    terminal.print(`  right answers accepted      ${count(referenceAccepted)} of ${count(tasks)}`);
    terminal.print(
      `  corrupted answers refused   ${count(corruptedRejected)} of ${count(corrupted)}`,
    );
    if (counts.restated > 0)
      terminal.print(
        `  other forms accepted        ${count(counts.restatedAccepted)} of ${count(counts.restated)}`,
      );
    if (counts.tricks > 0)
      terminal.print(
        `  tricks refused              ${count(counts.tricksRefused)} of ${count(counts.tricks)}`,
      );
    for (const warning of warnings) terminal.print(paint.yellow(`  ${warning}`));
    terminal.print(`  verdicts per second         ${count(Math.round(verdictsPerSecond))}`);
    if (user !== undefined) terminal.print(`  ${userCost(user)}`);
    for (const { shown, fault, detail, more } of failures)
      terminal.print(
        `  ${fault} on ${shown}${more > 0 ? ` and ${count(more)} more` : ""}: ${detail}`,
      );
  }
  if (!sound) process.exitCode = exitCodes.failed;
}

/** What a check that fails nowhere has not shown, or has shown to be of little use. */
function weaknesses({ corrupted, corruptedBlank, located, unlocated }: CheckCounts): string[] {
  const warnings: string[] = [];
  if (corrupted === 0)
    warnings.push("no answer could be made wrong: whether any is refused is not known");
  if (corruptedBlank > 0)
    warnings.push(
      `only an empty or nonsense answer was tried on ${count(corruptedBlank)} of ${count(corrupted)} tasks: add \`wrong\` answers to them`,
    );
  if (unlocated > 0 && located === 0)
    warnings.push(
      `none of ${count(unlocated)} wrong attempts says where it first went wrong: nothing can be learned from such mistakes; return \`firstError: { step }\` in \`judge\``,
    );
  return warnings;
}

type CheckCounts = Pick<CheckResult, "corrupted" | "corruptedBlank" | "located" | "unlocated">;
