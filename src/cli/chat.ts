import { createInterface, type Interface } from "node:readline/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Split, Verdict } from "../environments/environment.js";
import type { Taken } from "../take/source.js";
import type { TaskSession } from "../take/session.js";
import { ErrataError } from "../util/error.js";
import { command, wholeNumber } from "./command.js";
import { openModel } from "./open-model.js";
import { paint, Terminal } from "./terminal.js";

interface ChatOptions {
  readonly free?: boolean;
  readonly watch?: number;
  readonly split: Split;
  readonly seed: number;
  readonly temperature: number;
  readonly json?: boolean;
}

/** `errata chat`. */
export const chatCommand: Command = command(
  "chat",
  "watch a run's student at a task, act in its place, see the verdict; or talk to a model",
  [
    "errata chat arithmetic-seed0-1",
    "errata chat arithmetic-seed0-1 --watch 3",
    "errata chat gsm8k-seed0-1 --free",
  ],
)
  .argument("<run>", "name or folder of a run; or a checkpoint: a folder or a hub id")
  .option("--free", "no task: talk to a model that has a chat template")
  .option("--watch <n>", "play n tasks without asking", wholeNumber(1))
  .addOption(
    new Option("--split <name>", "whose tasks")
      .choices(["train", "validation", "test"])
      .default("test"),
  )
  .option("--seed <n>", "seed of tasks and samples", wholeNumber(0), 0)
  .option("--temperature <t>", "0 takes the most probable token each time", temperatureOf, 1)
  .action(chatAction);

function temperatureOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 10) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 10.");
}

async function chatAction(where: string, options: ChatOptions): Promise<void> {
  const terminal = new Terminal(options);
  const taken = await openModel(where);
  if (options.free === true || taken.run === undefined) return freeChat(terminal, taken, options);
  const { TaskSource } = await import("../take/session.js");
  const tasks = new TaskSource(taken, taken.run, options);
  if (options.watch !== undefined) return watch(terminal, () => tasks.next(), options.watch);
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: process.stdin.isTTY,
  });
  const asked = new Questions(lines);
  terminal.print("enter: as the student says; or an action of yours; :again, :next, :quit");
  try {
    while (await playAsked(terminal, asked, tasks.next()));
  } finally {
    lines.close();
  }
}

/** Lines typed, or piped in; undefined at their end. */
class Questions {
  readonly #lines: AsyncIterator<string>;

  constructor(lines: Interface) {
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async ask(question: string): Promise<string | undefined> {
    process.stdout.write(question);
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }
}

/** One task; whether another one is wanted. */
async function playAsked(
  terminal: Terminal,
  asked: Questions,
  session: TaskSession,
): Promise<boolean> {
  terminal.print(`\n${paint.bold("task")} ${session.task.level} ${paint.dim(session.task.id)}`);
  while (!session.over) {
    terminal.print(session.observation);
    for (;;) {
      const { text } = await session.propose();
      const said = (await asked.ask(`${paint.green("student")}: ${text}  > `))?.trim();
      if (said === undefined || said === ":quit") return false;
      if (said === ":next") return true;
      if (said === ":again") continue;
      await session.take(said === "" ? text : said);
      break;
    }
  }
  terminal.print(verdictLine(await session.verdict()));
  return true;
}

function verdictLine({ correct, answer, signature, firstError }: Verdict): string {
  if (correct) return paint.green(`right: ${answer}`);
  const parts = [
    `wrong${answer === "" ? "" : `: ${answer}`}`,
    ...(firstError === undefined
      ? []
      : [
          `first wrong action: ${firstError.step + 1}${firstError.expected === undefined ? "" : `, expected ${firstError.expected}`}`,
        ]),
    ...(signature === undefined ? [] : [`known mistake: ${signature}`]),
  ];
  return paint.red(parts.join("; "));
}

async function watch(terminal: Terminal, next: () => TaskSession, count: number): Promise<void> {
  const played = [];
  for (let i = 0; i < count; i++) {
    const session = next();
    terminal.print(
      `${i === 0 ? "" : "\n"}${paint.bold("task")} ${session.task.level} ${paint.dim(session.task.id)}`,
    );
    const steps = [];
    while (!session.over) {
      const { observation } = session;
      const { text } = await session.propose();
      terminal.print(`${observation}  ${paint.green("student")}: ${text}`);
      await session.take(text);
      steps.push({ observation, action: text });
    }
    const verdict = await session.verdict();
    terminal.print(verdictLine(verdict));
    played.push({ task: session.task.id, level: session.task.level, steps, verdict });
  }
  terminal.result({ tasks: played });
}

/** @throws ErrataError `CHAT_NONE` where the model has no chat. */
async function freeChat(terminal: Terminal, taken: Taken, options: ChatOptions): Promise<void> {
  const { words, policy, name } = taken;
  if (words.kind === "symbols" || words.tokenizer.template === undefined)
    throw new ErrataError(
      words.kind === "symbols"
        ? `${name} reads and writes ${words.lexicon.symbols.length} symbols; it has no chat`
        : `${name} has no chat template`,
      {
        code: "CHAT_NONE",
        hint:
          taken.run === undefined
            ? "errata serve answers /v1/completions with it"
            : "leave out --free to watch it at a task",
      },
    );
  const [{ LocalEngine }, { choice }] = await Promise.all([
    import("../engine/local.js"),
    import("../serve/generate.js"),
  ]);
  const decoder = new LocalEngine().decoder(policy, 1);
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: process.stdin.isTTY,
  });
  const asked = new Questions(lines);
  const messages: { role: "user" | "assistant"; content: string }[] = [];
  terminal.print(":new forgets the conversation, :quit ends it");
  try {
    for (;;) {
      const said = await asked.ask("> ");
      if (said === undefined || said.trim() === ":quit") return;
      if (said.trim() === ":new") messages.length = 0;
      if (said.trim() === "" || said.trim() === ":new") continue;
      messages.push({ role: "user", content: said });
      const prompt = words.tokenizer.encodePrompt({ observation: "", messages });
      const { context } = policy.shape;
      if (prompt.length > context) {
        messages.pop();
        terminal.print(
          `the conversation would be ${prompt.length} tokens long, of at most ${context}: :new forgets it`,
        );
        continue;
      }
      const answer: string[] = [];
      const pieces = choice(decoder, words, {
        prompt,
        maxTokens: context - prompt.length + 1,
        temperature: options.temperature,
        topP: 1,
        minP: 0,
        seed: options.seed + messages.length,
        stops: [],
        top: 0,
        signal: new AbortController().signal,
      });
      for await (const { text } of pieces) {
        process.stdout.write(text);
        answer.push(text);
      }
      process.stdout.write("\n");
      messages.push({ role: "assistant", content: answer.join("") });
    }
  } finally {
    lines.close();
  }
}
