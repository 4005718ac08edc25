import type { Command } from "commander";
import { Option } from "commander";
import { drawTasks } from "../play/curriculum.js";
import type { Split, Task } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { Random } from "../util/random.js";
import { wilsonInterval, type Interval } from "../util/statistics/intervals.js";
import type { TransferResult } from "../assess/transfer.js";
import { command, wholeNumber } from "./command.js";
import { showBuild } from "./progress.js";
import { findRun, runConfig } from "./runs.js";
import { share, table, Terminal } from "./terminal.js";
import { userCost, userExample, withSettings } from "./user-settings.js";
import type { MeteredUser } from "../partners/simulated-user.js";

interface EvalOptions {
  readonly tasks?: number;
  readonly split: Exclude<Split, "train">;
  readonly level?: string;
  readonly checkpoint: "base" | "last";
  readonly transfer?: boolean;
  readonly greedy?: boolean;
  readonly maxTokens?: number;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** `errata eval`. */
export const evalCommand: Command = command("eval", "measure a run's student on held-out tasks", [
  "errata eval arithmetic-seed0-1 --tasks 1000",
  "errata eval demo-1/student --checkpoint base --json",
  "errata eval proof-seed0-1 --set environment=coq",
  "errata eval gsm8k-seed0-1 --greedy --max-tokens 256",
])
  .argument("<run>", "name or folder of a run")
  .option("--tasks <n>", "how many tasks (default: the run's evaluationTasks)", wholeNumber(1))
  .addOption(
    new Option("--split <name>", "whose tasks").choices(["validation", "test"]).default("test"),
  )
  .option("--level <name>", "only this level of difficulty (default: those trained on)")
  .addOption(
    new Option("--checkpoint <which>", "the student before training or as last saved")
      .choices(["base", "last"])
      .default("last"),
  )
  .option("--greedy", "take the most probable token each time instead of sampling")
  .option("--max-tokens <n>", "longest answer in tokens (default: as in training)", wholeNumber(1))
  .option("--transfer", "compare with the student before training on tasks of other kinds too")
  .option(
    "--set <key=value...>",
    `another environment with the same vocabulary (environment=coq), or who plays the user (${userExample})`,
  )
  .action(evalAction);

async function evalAction(nameOrFolder: string, options: EvalOptions): Promise<void> {
  const terminal = new Terminal(options);
  const folder = findRun(nameOrFolder);
  const config = withSettings(runConfig(folder), options.set, ["user", "environment"]);
  const [
    { LocalEngine },
    { baseStudent, presetFor },
    { lastCheckpoint },
    { wholeFile },
    { play },
    { PolicyModel },
  ] = await Promise.all([
    import("../engine/local.js"),
    import("../launch/prepare.js"),
    import("../run/checkpoint.js"),
    import("../run/recover.js"),
    import("../play/play.js"),
    import("../models/model.js"),
  ]);
  const preset = await presetFor(config);
  const engine = new LocalEngine(config.engine);
  const { base, tokenizer, environment } = await baseStudent(config, engine, {
    onProgress: showBuild(terminal),
    preset,
  });
  const levels = options.level === undefined ? preset.levels : [options.level];
  // The test tasks are the run's own, or more drawn after them.
  const random = Random.from(0, options.split === "test" ? "held-out" : "held-out:validation");
  const tasks = drawTasks(environment, {
    split: options.split,
    levels,
    count: options.tasks ?? config.evaluationTasks,
    random,
  });

  const checkpoint = lastCheckpoint(folder);
  if (checkpoint === undefined)
    throw new ErrataError(`${folder} holds no checkpoint`, {
      code: "RUN_MISSING",
      hint: "its training stopped before anything was saved: start it again",
    });
  const step = options.checkpoint === "base" ? 0 : Number(/\d+$/.exec(checkpoint)?.[0]);
  const policy =
    options.checkpoint === "base"
      ? base
      : await engine.restore(await wholeFile(checkpoint, "model.safetensors"), { base });
  const player = {
    engine,
    environment,
    config,
    tokenizer,
  };
  if (options.transfer === true) {
    const { measureTransfer } = await import("../assess/transfer.js");
    const { split, tasks: count = 200 } = options;
    showTransfer(
      terminal,
      folder,
      await measureTransfer(player, preset, { before: base, after: policy }, { count, split }),
    );
    return;
  }
  // As in training: the run's own tasks give the very number that its metrics hold.
  const { greedy = false, maxTokens: maxActionSymbols = environment.maxActionSymbols } = options;
  const rollouts = await play(
    environment,
    new PolicyModel({ engine, policy, tokenizer, maxActionSymbols, greedy }),
    tasks,
    Random.from(0, `evaluation:${step}`),
  );
  const right = new Set(rollouts.filter((r) => r.verdict.correct).map((r) => r.task));
  const failed = rollouts.filter((r) => r.failure !== undefined).length;
  show(terminal, { folder, step, options, tasks, levels, right, failed, user: preset.user });
}

function showTransfer(
  terminal: Terminal,
  folder: string,
  results: readonly TransferResult[],
): void {
  if (terminal.json) {
    terminal.result({ run: folder, transfer: results });
    return;
  }
  terminal.print(`${folder}: one attempt a task, before and after training:`);
  const cell = ({ mean, low, high }: Interval): string =>
    `${share(mean)} [${share(low)}, ${share(high)}]`;
  const rows = results.map((r) => [
    r.kind,
    r.name,
    cell(r.before),
    cell(r.after),
    `${r.tasks} tasks`,
  ]);
  for (const line of table([["", "", "before", "after", ""], ...rows], [0, 1]))
    terminal.print(`  ${line}`);
}

function show(
  terminal: Terminal,
  result: {
    readonly folder: string;
    readonly step: number;
    readonly options: EvalOptions;
    readonly tasks: readonly Task[];
    readonly levels: readonly string[];
    readonly right: ReadonlySet<Task>;
    readonly failed: number;
    readonly user: MeteredUser | undefined;
  },
): void {
  const { folder, step, options, tasks, levels, right, failed, user } = result;
  const measure = (of: readonly Task[]) => {
    const correct = of.filter((t) => right.has(t)).length;
    const { mean: accuracy, low, high } = wilsonInterval(correct, of.length);
    return { tasks: of.length, correct, accuracy, interval: { low, high } };
  };
  const overall = measure(tasks);
  // Of few tasks, or of a split without any, a level may have none.
  const byLevel = levels
    .map((level) => [level, tasks.filter((t) => t.level === level)] as const)
    .filter(([, of]) => of.length > 0)
    .map(([level, of]) => [level, measure(of)] as const);
  const { split, checkpoint } = options;
  if (terminal.json) {
    terminal.result({
      run: folder,
      checkpoint,
      step,
      split,
      ...(options.greedy === true ? { greedy: true } : {}),
      ...overall,
      failed,
      ...(user === undefined ? {} : { user: user.spent }),
      levels: Object.fromEntries(byLevel),
    });
    return;
  }
  const row = (name: string, m: typeof overall): string[] => [
    name,
    `${share(m.accuracy)}`,
    `[${share(m.interval.low)}, ${share(m.interval.high)}]`,
    `${m.correct} of ${m.tasks}`,
  ];
  terminal.print(
    `${folder}, ${checkpoint === "base" ? "before training" : `step ${step}`}, ${split} tasks, one ${options.greedy === true ? "greedy " : ""}attempt each:`,
  );
  const rows = [["", "accuracy", "95% interval", ""], row("all", overall)];
  if (byLevel.length > 1) rows.push(...byLevel.map(([level, m]) => row(level, m)));
  for (const line of table(rows)) terminal.print(`  ${line}`);
  if (failed > 0)
    terminal.print(`  the environment failed on ${failed} attempts, counted as wrong`);
  if (user !== undefined) terminal.print(`  ${userCost(user)}`);
}
