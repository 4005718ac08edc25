/** The formats that recorded attempts come in. */
import { ErrataError } from "../../util/error.js";
import { nearest } from "../../util/spelling.js";
import {
  RecordProblem,
  fieldsOf,
  firstOf,
  labelOf,
  modelOf,
  taskOf,
  textOf,
  type Attempt,
  type Fields,
} from "./record.js";
import { replayConversation } from "./tau-bench.js";

/** Reads the attempts of one record. */
export interface ImportFormat {
  readonly name: string;
  /** For people: what a record looks like. */
  readonly description: string;
  /** A record holds the attempts of several models, by name. */
  readonly columns?: boolean;
  /**
   * The attempts of one record.
   * @throws RecordProblem where it cannot be read.
   */
  read(record: unknown): Attempt[];
}

const COMPLETION = ["completion", "solution", "program", "response", "output"];

const programs: ImportFormat = {
  name: "programs",
  description: '{"task_id", "solution"}: one program a record, optionally with "is_solved"',
  read(record) {
    const fields = fieldsOf(record);
    return [
      {
        task: { id: textOf(fields, ["task_id", "task", "id"]) },
        actions: [textOf(fields, ["solution", "program", "code", "completion"])],
        ...modelOf(fields),
        ...labelOf(fields),
      },
    ];
  },
};

const gsm8kSolutions: ImportFormat = {
  name: "gsm8k-solutions",
  description: '{"question", "<model>": {"solution", "is_correct"}, ...}: one column a model',
  columns: true,
  read(record) {
    const fields = fieldsOf(record);
    const text = textOf(fields, ["question"]);
    const columns = Object.entries(fields).filter(
      (entry): entry is [string, Fields] => typeof entry[1] === "object" && entry[1] !== null,
    );
    if (columns.length === 0)
      throw new RecordProblem('the record has no column {"solution", "is_correct"} of any model');
    return columns.map(([model, column]) => ({
      task: { text },
      actions: [textOf(column, ["solution"])],
      model,
      ...labelOf(column),
    }));
  },
};

const completions: ImportFormat = {
  name: "completions",
  description:
    '{"task" or "question", "completion"}; "completions" for several attempts, "actions" for the steps of one; "model" and "correct" optional',
  read(record) {
    const fields = fieldsOf(record);
    const { actions, completions: several } = fields;
    if (isTexts(actions))
      return [{ task: taskOf(fields), actions, ...modelOf(fields), ...labelOf(fields) }];
    const texts = Array.isArray(several) ? several : [textOf(fields, COMPLETION)];
    if (!isTexts(texts)) throw new RecordProblem('"completions" holds something that is no text');
    return texts.map((text) => ({
      task: taskOf(fields),
      actions: [text],
      ...modelOf(fields),
      ...labelOf(fields),
    }));
  },
};

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

interface RecordedMessage {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

const messages: ImportFormat = {
  name: "messages",
  description:
    '{"messages": [{"role", "content"}, ...]}: OpenAI-style; "task" names the task, else the first user message is its question',
  read(record) {
    const fields = fieldsOf(record);
    const list = messagesOf(fields, ["messages"]);
    const named = firstOf(fields, ["task", "task_id", "taskId", "id", "question"]) !== undefined;
    const question = list.find(({ role }) => role === "user")?.content;
    if (!named && typeof question !== "string")
      throw new RecordProblem('the record names no "task" and has no user message');
    return [
      {
        task: named ? taskOf(fields) : { text: question as string },
        actions: actionsOf(list),
        ...modelOf(fields),
        ...labelOf(fields),
      },
    ];
  },
};

const tauBench: ImportFormat = {
  name: "tau-bench",
  description: '{"task_id", "traj": [messages], "reward"}: a recorded conversation of tau-bench',
  read(record) {
    const fields = fieldsOf(record);
    const { task_id: id } = fields;
    if (typeof id !== "number" && typeof id !== "string")
      throw new RecordProblem('the record has no "task_id"');
    return [
      {
        task: { id: String(id) },
        actions: actionsOf(messagesOf(fields, ["traj"])),
        ...labelOf(fields),
        replay: (environment) => replayConversation(record, environment),
      },
    ];
  },
};

const FORMATS: readonly ImportFormat[] = [
  programs,
  gsm8kSolutions,
  tauBench,
  messages,
  completions,
];

/** Names that {@link importFormat} knows, each with what a record looks like. */
export const importFormats: readonly Pick<ImportFormat, "name" | "description">[] = FORMATS;

/**
 * The format of a name.
 * @throws ErrataError `IMPORT_FORMAT`.
 */
export function importFormat(name: string): ImportFormat {
  const found = FORMATS.find((format) => format.name === name);
  if (found !== undefined) return found;
  const names = FORMATS.map((format) => format.name);
  const guess = nearest(name, names);
  throw new ErrataError(`there is no import format "${name}"`, {
    code: "IMPORT_FORMAT",
    hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${names.join(", ")}`,
  });
}

function messagesOf(fields: Fields, names: readonly string[]): RecordedMessage[] {
  const list = firstOf(fields, names);
  if (!Array.isArray(list)) throw new RecordProblem(`the record has no list "${names[0]}"`);
  return list.map((message) => fieldsOf(message));
}

/**
 * What the assistant did, in order: a tool call as `{"name", "arguments"}`, a message as its text.
 * What users and tools said is left out: the environment says it again.
 */
function actionsOf(list: readonly RecordedMessage[]): string[] {
  const own = list.filter(({ role }) => role === "assistant");
  const actions = own.flatMap(({ content, tool_calls: calls }) => {
    if (Array.isArray(calls) && calls.length > 0) return calls.map((call) => callText(call));
    return typeof content === "string" ? [content] : [];
  });
  if (actions.length === 0) throw new RecordProblem("the assistant says nothing in this record");
  return actions;
}

function callText(call: unknown): string {
  const { name, arguments: given } = fieldsOf(fieldsOf(call)["function"]);
  if (typeof name !== "string") throw new RecordProblem("a tool call has no name");
  if (typeof given !== "string") return JSON.stringify({ name, arguments: given ?? {} });
  try {
    return JSON.stringify({ name, arguments: JSON.parse(given) as unknown });
  } catch {
    // The model wrote no JSON: what is wrong with it, the environment says.
    return JSON.stringify({ name, arguments: given });
  }
}
