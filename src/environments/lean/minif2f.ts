/**
 * miniF2F in Lean 4 (Zheng, Han & Polu, arXiv:2109.00110; files of yangky11/miniF2F-lean4): one
 * theorem a file, proved by one answer of tactics.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ErrataError } from "../../util/error.js";
import { requireData } from "../data-folder.js";
import type { Environment, Json, Message, Split, Task, Turn, Verdict } from "../environment.js";
import { missingLean } from "./repl.js";
import { configuredLean, leanFault, type LeanStatement, type LeanVerifier } from "./verifier.js";

/** Folders of the data set by split; there is none to train on. */
const FOLDERS: Readonly<Partial<Record<Split, string>>> = { validation: "Valid", test: "Test" };

export interface MiniF2FOptions {
  /** The folder that holds Valid/ and Test/. Default: `minif2f-lean4` in a data folder. */
  readonly folder?: string;
  /** What checks the proofs. Default: what the process's environment names. */
  readonly verifier?: LeanVerifier;
}

/** One attempt: a theorem and, once given, its proof. */
export interface LeanState {
  readonly statement: LeanStatement;
  readonly proof?: string;
}

/**
 * Reads one file: a header, `theorem name ... := by sorry`.
 * @throws ErrataError `LEAN_STATEMENT`.
 */
export function parseStatement(text: string, file: string): LeanStatement {
  const clean = text.replace(/^\uFEFF/, "").replace(/\r\n/g, "\n");
  const start = /^theorem\s+(\S+)/m.exec(clean);
  const end = /:=\s*(by\s+)?sorry\s*$/.exec(clean);
  if (start === null || end === null) {
    throw new ErrataError(`${file} is no theorem that ends in sorry`, {
      code: "LEAN_STATEMENT",
      hint: "each file holds a header and `theorem name ... := by sorry`",
    });
  }
  return {
    name: start[1]!,
    header: clean.slice(0, start.index).trim(),
    statement: clean.slice(start.index, end.index).trim(),
  };
}

/** The theorems of a split as tasks, by name; none where the folder lacks them. */
export function loadMiniF2F(folder: string, split: Split): Task[] {
  const sub = FOLDERS[split];
  if (sub === undefined) return [];
  let files: string[];
  try {
    files = readdirSync(join(folder, sub));
  } catch {
    return [];
  }
  return files
    .filter((file) => file.endsWith(".lean"))
    .sort()
    .map((file) => {
      const statement = parseStatement(readFileSync(join(folder, sub, file), "utf8"), file);
      return {
        id: statement.name,
        domain: "minif2f",
        level: LEVEL,
        split,
        data: { ...statement } as unknown as Json,
      };
    });
}

const LEVEL = "competition";

/**
 * miniF2F: the observation is the theorem, the one action its tactics. Listed without Lean; played
 * only where a verifier is given or configured.
 *
 * The first error is the line that Lean's first message points at (evidence `kernel`).
 */
export function minif2f(options: MiniF2FOptions = {}): Environment<LeanState> {
  const loaded = new Map<Split, readonly Task[]>();
  const tasks = (split: Split): readonly Task[] => {
    let found = loaded.get(split);
    if (found === undefined) {
      found = loadMiniF2F(options.folder ?? miniF2FFolder(), split);
      loaded.set(split, found);
    }
    return found;
  };
  let verifier = options.verifier;
  const lean = (): LeanVerifier => {
    verifier ??= configuredLean();
    if (verifier === undefined)
      throw missingLean("miniF2F proofs need Lean, and none is configured");
    return verifier;
  };

  return {
    name: "minif2f",
    levels: [LEVEL],
    maxSteps: 1,
    maxActionSymbols: 2048,
    maxObservationSymbols: 2048,
    tasks,
    procedures: { correct: () => "norm_num", noise: (_state, random) => random.pick(GUESSES) },

    draw({ split, level, random }) {
      if (level !== LEVEL) {
        throw new ErrataError(`minif2f has no level "${level}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use ${LEVEL}`,
        });
      }
      lean();
      const list = tasks(split);
      if (list.length === 0) {
        throw new ErrataError(`miniF2F has no theorems for ${split}`, {
          code: "MINIF2F_SPLIT",
          hint: "it has validation (Valid/) and test (Test/), where the folders are there",
        });
      }
      return random.pick(list);
    },

    start(task) {
      lean();
      return turnAt({ statement: task.data as unknown as LeanStatement });
    },

    step: (state, action) => turnAt({ ...state, proof: tacticsOf(action) }),

    async judge({ task, steps }): Promise<Verdict> {
      const statement = task.data as unknown as LeanStatement;
      const action = steps[0]?.action;
      if (action === undefined) return { correct: false, answer: "", stop: "truncated" };
      const proof = tacticsOf(action);
      const answer = proof.replace(/\s+/g, " ").trim();
      const fault = leanFault(proof);
      const { accepted, message, line } =
        fault === undefined
          ? await lean().verify(statement, proof)
          : { accepted: false, message: fault };
      if (accepted) return { correct: true, answer, stop: "solved" };
      const family = fault === undefined ? familyOf(message) : "malformed";
      return {
        correct: false,
        answer,
        stop: fault === undefined ? "rejected" : "malformed",
        firstError: {
          step: 0,
          span: spanOf(action, proof, line),
          evidence: "kernel",
          confidence: line === undefined ? 0.5 : 1,
          family,
          detail: message.slice(0, 500),
        },
        ...(family === "malformed" ? {} : { signature: family }),
      };
    },

    /** No proofs come with the data, so there is none to corrupt. */
    corrupt: () => undefined,
  };
}

const GUESSES = ["norm_num", "simp", "linarith", "omega", "ring", "decide", "nlinarith"];

function miniF2FFolder(): string {
  return requireData("minif2f-lean4", "github.com/yangky11/miniF2F-lean4 (its MiniF2F folder)");
}

function turnAt(state: LeanState): Turn<LeanState> {
  const { statement, proof } = state;
  if (proof !== undefined) return { state, observation: "", terminated: true, truncated: false };
  const observation = `${statement.header}\n\n${statement.statement} := by`;
  const messages: Message[] = [
    {
      role: "system",
      content:
        "Prove the theorem in Lean 4. Answer with the tactics that follow `by`, and nothing else.",
    },
    { role: "user", content: observation },
  ];
  return { state, observation, messages, terminated: false, truncated: false };
}

/** The tactics of an answer: a fenced block's, where there is one; indentation in common is taken off. */
export function tacticsOf(action: string): string {
  const fenced = /```(?:lean4?)?\n([\s\S]*?)```/.exec(action);
  const lines = (fenced?.[1] ?? action).replace(/\s+$/, "").split("\n");
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const least = Math.min(...indents, Infinity);
  return lines.map((line) => line.slice(Number.isFinite(least) ? least : 0)).join("\n");
}

/** The characters of a line of the proof within the action; all of it where no line is known. */
function spanOf(
  action: string,
  proof: string,
  line: number | undefined,
): { start: number; end: number } {
  const text = line === undefined ? undefined : proof.split("\n")[line];
  const start = text === undefined || text === "" ? -1 : action.indexOf(text.trim());
  return start < 0 ? { start: 0, end: action.length } : { start, end: start + text!.trim().length };
}

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/sorry/, "unfinished"],
  [/unsolved goals/, "unsolved-goals"],
  [/[Uu]nknown (identifier|constant|tactic)|unknown namespace/, "unknown-name"],
  [/but is expected to have type\s+[\s\S]*|type mismatch|Type mismatch/, "type-mismatch"],
  [
    /failed to synthesize|linarith failed|omega could not|ring_nf? failed|simp made no progress|norm_num|decide/,
    "tactic-failed",
  ],
  [/expected token|unexpected token|expected/, "syntax"],
  [/timed out|took longer|maximum recursion|deterministic\) timeout/, "timeout"],
];

/**
 * The family of a Lean error. An implication that is offered where its conclusion is asked for, `has
 * type 0 < m → m / m = 1 but is expected to have type x / x = 1`, is a `missing-side-condition`.
 */
export function familyOf(message: string): string {
  const clash = /has type\s+([\s\S]*?)\s+but is expected to have type\s+([\s\S]*)/.exec(message);
  if (clash !== null && clash[1]!.includes("→") && !clash[2]!.includes("→"))
    return "missing-side-condition";
  return FAMILIES.find(([pattern]) => pattern.test(message))?.[1] ?? "refused";
}
