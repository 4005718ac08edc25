/** One record of a file of tasks: Errata's own form, reasoning-gym's, or that of verifiers. */
import type { Json, Message, Split } from "../environment.js";
import type { Verifier } from "./verifier.js";

/** What a task of a file holds. */
export interface FileTask {
  readonly messages: readonly Message[];
  /** A right answer. */
  readonly reference: string;
  readonly verifier: Verifier;
  /** Answers that must be refused. */
  readonly wrong: readonly string[];
  /** The record as it stands in the file, for verifiers that are code. */
  readonly record: Json;
}

type Fields = Readonly<Record<string, Json>>;

/**
 * Reads one record.
 * @throws Error saying which field is missing or of the wrong kind.
 */
export function readTask(
  record: Json,
): FileTask & { readonly id?: string; readonly level: string; readonly split?: Split } {
  if (!isFields(record)) throw new Error("the record is no JSON object");
  const answer = record["answer"];
  refuseReasoningGym(record);
  if (answer === undefined || answer === null || answer === "")
    throw new Error('the task has no "answer": a right one is needed to check its verifier');
  const split = readSplit(record["split"]);
  const id = record["id"] ?? record["task_id"];
  const wrong = record["wrong"] ?? [];
  if (!Array.isArray(wrong) || !wrong.every((text) => typeof text === "string"))
    throw new Error('"wrong" must be a list of texts');
  return {
    messages: readMessages(record),
    reference: typeof answer === "string" ? answer : JSON.stringify(answer),
    verifier: readVerifier(record["verifier"]),
    wrong,
    record,
    level: readLevel(record),
    ...(id === undefined || id === null ? {} : { id: String(id as string | number) }),
    ...(split === undefined ? {} : { split }),
  };
}

/** reasoning-gym's sets whose questions have many right answers, or no `answer` at all (version 0.1.25). */
const MANY_ANSWERS: ReadonlySet<string> = new Set(
  "boxnet countdown graph_color jugs knight_swap letter_jumble n_queens palindrome_generation propositional_logic puzzle24 quantum_lock rubiks_cube rush_hour self_reference shortest_path sokoban tower_of_hanoi tsumego word_ladder".split(
    " ",
  ),
);

/** Refuses a question of reasoning-gym that one answer cannot tell, unless the record brings a verifier. */
function refuseReasoningGym({ metadata, verifier }: Fields): void {
  const name = isFields(metadata) ? metadata["source_dataset"] : undefined;
  if (typeof name !== "string" || !MANY_ANSWERS.has(name)) return;
  if (verifier !== undefined && verifier !== null && verifier !== "exact") return;
  throw new Error(
    `questions of reasoning-gym's "${name}" have many right answers, which only its own score_answer tells: give the task a "verifier" with code, or leave the set out`,
  );
}

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const ROLES: readonly string[] = ["system", "user", "assistant", "tool"];

function readMessages(record: Fields): readonly Message[] {
  const prompt = record["prompt"] ?? record["question"] ?? record["messages"];
  if (typeof prompt === "string" && prompt !== "") return [{ role: "user", content: prompt }];
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw new Error(
      `the task has no "prompt" or "question"; it has ${Object.keys(record).join(", ") || "nothing"}`,
    );
  return prompt.map((message: Json) => {
    const { role, content } = isFields(message) ? message : {};
    if (typeof role !== "string" || !ROLES.includes(role) || typeof content !== "string")
      throw new Error(`a message of the prompt needs "role" (${ROLES.join(", ")}) and "content"`);
    return { role: role as Message["role"], content };
  });
}

function readVerifier(given: Json | undefined): Verifier {
  if (given === undefined || given === null || given === "exact") return { kind: "exact" };
  if (given === "number") return { kind: "number" };
  if (isFields(given)) {
    const { regex, flags = "", code } = given;
    if (typeof regex === "string" && typeof flags === "string") {
      new RegExp(regex, flags);
      return { kind: "regex", pattern: regex, flags };
    }
    if (typeof code === "string") return { kind: "code", source: code };
  }
  throw new Error(
    `the verifier is ${JSON.stringify(given)}, not "exact", "number", {"regex": "..."} or {"code": "..."}`,
  );
}

function readSplit(given: Json | undefined): Split | undefined {
  if (given === undefined || given === null) return undefined;
  if (given === "train" || given === "validation" || given === "test") return given;
  throw new Error(`the split is ${JSON.stringify(given)}, not train, validation or test`);
}

/** `level`, or what reasoning-gym calls the source of a question, or `all`. */
function readLevel({ level, metadata }: Fields): string {
  const named = level ?? (isFields(metadata) ? metadata["source_dataset"] : undefined);
  return typeof named === "string" || typeof named === "number" ? String(named) : "all";
}
