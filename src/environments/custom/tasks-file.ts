/** Tasks in a file: a question, an answer, and how to tell a right one. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { ErrataError } from "../../util/error.js";
import { readText } from "../../util/read-text.js";
import { hashText, type Random } from "../../util/random.js";
import type {
  Environment,
  Json,
  Message,
  Split,
  Task,
  Trajectory,
  Verdict,
} from "../environment.js";
import { statedAnswer, statedNumber } from "../answers/stated.js";
import { defineEnvironment } from "./define.js";
import { readTask, type FileTask } from "./task-record.js";
import { isTau2, tau2Domains } from "./tau2-file.js";
import { formsOf, tricksOf } from "./forms.js";
import { verifyAnswer } from "./verifier.js";

/** A task and the answer once it is given. */
export interface FileState {
  readonly task: FileTask;
  readonly action?: string;
}

const SPLITS: readonly Split[] = ["train", "validation", "test"];

/** What is no answer to anything. */
const nonsense = "?!";

/** Bad lines that an error lists. */
const mostListed = 5;

/**
 * The environment of a JSON Lines file (or a JSON array) of single questions:
 *
 *     {"prompt": "2 + 2 =", "answer": "4"}
 *     {"prompt": "Name a prime below 10.", "verifier": {"regex": "^[2357]$"}, "answer": "7"}
 *     {"prompt": "Give an even number.", "verifier": {"code": "(a) => Number(a) % 2 === 0"}, "answer": "4"}
 *
 * Read as well are reasoning-gym's `{question, answer, metadata}` and verifiers' `{prompt | question,
 * answer, info}`, with a prompt of messages too. `answer` is the reference; the verifier is `exact`
 * unless the record says `number`, `regex` or `code`. Optional: `id`, `level`, `split` (else 80%, 10%,
 * 10% by a hash of the question) and `wrong`, answers that must be refused.
 *
 * The answer is what follows a response's reasoning (`</think>`), there in its last `<answer>` tags or
 * `\boxed{}`, or behind its last `####` or `Answer:`; a response without any of these is the answer.
 * @throws ErrataError `ENVIRONMENT_FILE`, listing the lines that cannot be read.
 */
export function tasksFile(path: string): Environment<FileState> {
  const name = basename(path)
    .replace(/\.jsonl?$/, "")
    .replaceAll(/[^\w-]+/g, "-");
  const { tasks, lines } = readFile(path, name);
  const levels = [...new Set(tasks.map((task) => task.level))].toSorted();
  return defineEnvironment<FileState>({
    name,
    levels,
    tasks: (split) => tasks.filter((task) => task.split === split),
    start: ({ data }) => turnAt({ task: data as unknown as FileTask }),
    step: (state, action) => turnAt({ ...state, action }),
    judge: judgeAnswer,
    procedures: { correct: ({ task }) => task.reference },
    describe: ({ id, data }) => shownAs(lines.get(id)!, data as unknown as FileTask),
    restate: ({ data }) => formsOf(data as unknown as FileTask),
    tricks: ({ data }) => tricksOf(data as unknown as FileTask),
    corrupt: ({ data }, [answer], random) => corrupted(data as unknown as FileTask, answer, random),
  });
}

function turnAt(state: FileState): ReturnType<Environment<FileState>["start"]> {
  const done = state.action !== undefined;
  const { messages } = state.task;
  const observation = messages.map(({ content }) => content).join("\n\n");
  if (done) return { state, observation: "", terminated: true, truncated: false };
  return { state, observation, messages, terminated: false, truncated: false };
}

async function judgeAnswer({ steps, end }: Trajectory<FileState>): Promise<Verdict> {
  const { verifier, reference, record } = end.state.task;
  const action = steps[0]?.action;
  if (action === undefined) return { correct: false, answer: "", stop: "truncated" };
  const { finish } = steps[0]!;
  const answer = statedAnswer(action, finish)?.text ?? "";
  const number = verifier.kind === "number" ? statedNumber(action, finish) : undefined;
  const { correct, fault } =
    answer === "" && number === undefined && action.trim() !== ""
      ? { correct: false, fault: undefined }
      : await verifyAnswer(verifier, answer, reference, record, number);
  if (correct) return { correct, answer, stop: "solved" };
  return {
    correct,
    answer,
    stop: answer === "" ? "malformed" : "wrong",
    firstError: {
      step: 0,
      span: { start: 0, end: action.length },
      evidence: "test",
      confidence: fault === undefined ? 1 : 0.5,
      family: fault === undefined ? "wrong-answer" : "verifier-failed",
      detail: fault ?? `refused by ${verifier.kind}`,
      expected: reference,
    },
  };
}

/** One of the answers that must be refused: the task's own, else one that no verifier should take. */
function corrupted(task: FileTask, answer: string | undefined, random: Random): readonly string[] {
  if (task.wrong.length > 0) return [random.pick(task.wrong)];
  // A pattern that takes the empty answer is caught by it, any other must refuse nonsense.
  if (task.verifier.kind === "regex")
    return [new RegExp(task.verifier.pattern, task.verifier.flags).test("") ? "" : nonsense];
  if (answer === undefined || task.verifier.kind === "code") return [""];
  const digit = answer.search(/\d(?=\D*$)/);
  if (digit === -1) return [`${answer} not`];
  const other = (Number(answer[digit]) + 1 + random.below(9)) % 10;
  return [answer.slice(0, digit) + other + answer.slice(digit + 1)];
}

/** A task as whoever wrote the file knows it: its line, its name there, its question. */
function shownAs(line: number, { messages, record }: FileTask): string {
  const question = (messages.at(-1)?.content ?? "").trim().replaceAll(/\s+/g, " ");
  const id = (record as Readonly<Record<string, Json>>)["id"];
  const named = typeof id === "string" || typeof id === "number" ? ` (${id})` : "";
  const shown = question.length > 60 ? `${question.slice(0, 60)}...` : question;
  return `line ${line}${named}, ${JSON.stringify(shown)}`;
}

function readFile(
  path: string,
  domain: string,
): { readonly tasks: readonly Task[]; readonly lines: ReadonlyMap<string, number> } {
  const hint =
    'a task is {"prompt": "...", "answer": "..."}, with "verifier": "exact", "number", {"regex": "..."} or {"code": "..."}';
  const fail = (what: string, cause?: unknown): ErrataError =>
    new ErrataError(`${path}: ${what}`, { code: "ENVIRONMENT_FILE", hint, cause });
  if (!existsSync(path)) throw fail("there is no such file");
  const records = (): ReturnType<typeof recordsOf> => {
    try {
      return recordsOf(path);
    } catch (cause) {
      throw cause instanceof ErrataError ? cause : fail((cause as Error).message, cause);
    }
  };
  const problems: string[] = [];
  const tasks = new Map<string, Task>();
  const lines = new Map<string, number>();
  const asked = new Map<string, Split>();
  for (const { line, text } of records()) {
    try {
      const record = JSON.parse(text) as Json;
      const { id, level, split, ...data } = readTask(record);
      const key = id ?? hashOf(data.messages);
      const same = tasks.get(key);
      if (same !== undefined && JSON.stringify(same.data) === JSON.stringify(data)) continue;
      if (same !== undefined)
        throw new Error(`another task has the ${id === undefined ? "question" : "id"} of this one`);
      // By the question and not by the id: one question under two names is in one split.
      const question = questionOf(data.messages);
      const own = split ?? asked.get(question) ?? splitOf(question);
      const other = asked.get(question) ?? own;
      if (other !== own) throw new Error(`its question is in ${other} too, and this says ${own}`);
      asked.set(question, own);
      lines.set(key, line);
      tasks.set(key, { id: key, domain, level, split: own, data: data as unknown as Json });
    } catch (error) {
      problems.push(`${line === 0 ? "" : `line ${line}: `}${(error as Error).message}`);
    }
  }
  if (problems.length > 0) {
    const more = problems.length > mostListed ? `\n  and ${problems.length - mostListed} more` : "";
    throw fail(`cannot be read\n  ${problems.slice(0, mostListed).join("\n  ")}${more}`);
  }
  if (tasks.size === 0) throw fail("holds no tasks");
  return { tasks: [...tasks.values()], lines };
}

/** The records of a JSON array, or of a file with one a line. */
function recordsOf(path: string): { readonly line: number; readonly text: string }[] {
  const text = readText(path);
  if (text.trimStart().startsWith("[")) {
    let list: unknown[];
    try {
      list = JSON.parse(text) as unknown[];
    } catch {
      return [{ line: 0, text }];
    }
    if (isTau2(list))
      throw new ErrataError(
        `${path} holds tau2-bench tasks, which need the tools of their domain`,
        {
          code: "ENVIRONMENT_FILE",
          hint: `use ${tau2Domains.map((name) => `${name}:${path}`).join(" or ")}`,
        },
      );
    return list.map((record, i) => ({ line: i + 1, text: JSON.stringify(record) }));
  }
  return text
    .split("\n")
    .map((line, i) => ({ line: i + 1, text: line }))
    .filter((record) => record.text.trim() !== "");
}

function hashOf(messages: readonly Message[]): string {
  return createHash("sha256").update(JSON.stringify(messages)).digest("hex").slice(0, 16);
}

/** The same for the same question, however its white space is. */
function questionOf(messages: readonly Message[]): string {
  return hashOf(
    messages.map(({ role, content }) => ({
      role,
      content: content.trim().replaceAll(/\s+/g, " "),
    })),
  );
}

function splitOf(key: string): Split {
  const tenth = hashText(key) % 10;
  return SPLITS[tenth < 8 ? 0 : tenth - 7]!;
}
