/** Programming problems as data sets give them, and how an answer becomes a program that can be run. */
import { afterReasoning } from "../../answers/reasoning.js";
import type { Finish, Split } from "../../environment.js";
import { type CodeBlock, codeBlocks } from "./blocks.js";

export type Language = "javascript" | "python";

/** How programs are graded. */
export type Grading =
  /** Assertions: Python `assert`s, or JavaScript that calls `console.assert`. */
  | {
      readonly kind: "assertions";
      readonly tests: string;
      /** What the tests use beside the program: helpers of the prompt, or the whole reference. */
      readonly helpers?: string;
      /** What the tests call the program's function, where its own name is the reference's. */
      readonly candidate?: string;
    }
  /** What is written to standard output for what is read from standard input. */
  | {
      readonly kind: "stdin";
      readonly cases: readonly { readonly input: string; readonly output: string }[];
    };

export interface Problem {
  readonly id: string;
  readonly language: Language;
  readonly split: Split;
  readonly level: string;
  /** What a policy is asked: a signature with its documentation, or a description. */
  readonly prompt: string;
  /** Whether an answer may be the rest of `prompt`, which is then the beginning of a program. */
  readonly completion: boolean;
  /** The function that tests call, where they call one. */
  readonly entryPoint?: string;
  /** Imports that every program may rely on, where the data set's own grader gives them. */
  readonly prelude?: string;
  /** A whole right program, where the data set has one. */
  readonly reference?: string;
  readonly grading: Grading;
}

/**
 * The program of an answer: code is taken out of its Markdown, and a mere completion is put behind
 * the prompt it completes. A whole function keeps what the prompt has before its own (imports,
 * helpers).
 */
export function programOf(problem: Problem, answer: string, finish?: Finish): string {
  const code = codeIn(answer, problem, finish);
  const { prompt, entryPoint, completion } = problem;
  if (!completion || entryPoint === undefined) return code;
  if (!defines(code, problem)) return prompt + code;
  const at = prompt.search(definition(problem));
  const before = at > 0 ? prompt.slice(0, at) : "";
  return `${before.trim() === "" || code.includes(before.trim()) ? "" : `${before.trimEnd()}\n\n`}${code}`;
}

/** Whether code defines the function that is asked for, at the outermost level. */
export function defines(code: string, problem: Problem): boolean {
  return definition(problem).test(code);
}

function definition({ entryPoint = "", language }: Problem): RegExp {
  const name = entryPoint.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return language === "python"
    ? new RegExp(
        String.raw`^(?:async[ \t]+)?def[ \t]+${name}[ \t]*\(|^class[ \t]+${name}\b|^${name}[ \t]*(?::[^=\n]*)?=(?!=)`,
        "m",
      )
    : new RegExp(
        String.raw`^(?:export\s+)?(?:(?:const|let|var)\s+${name}\s*=|(?:async\s+)?function\*?\s+${name}\s*\()`,
        "m",
      );
}

/**
 * The code of an answer: past what a model thinks aloud, the last fenced block that defines what is asked;
 * where none does, or nothing is named, the last block of the problem's language; without a fence all of it.
 * Empty where the reasoning was not finished.
 */
function codeIn(answer: string, problem: Problem, finish: Finish | undefined): string {
  const said = afterReasoning(answer, finish);
  if (said === undefined) return "";
  const blocks = codeBlocks(said.text);
  if (blocks.length === 0) return said.text;
  const defining = blocks.filter(
    ({ code }) => problem.entryPoint !== undefined && defines(code, problem),
  );
  if (defining.length > 0) return defining.at(-1)!.code;
  return programBlocks(blocks, problem.language).at(-1)!.code;
}

/**
 * The blocks of an answer that may be its program, in order: those that say they are of the language, else
 * those that say nothing and do something (a call, an assignment), else all of them.
 */
function programBlocks(blocks: readonly CodeBlock[], language: Language): readonly CodeBlock[] {
  const named = blocks.filter(({ info }) => NAMES[language].test(info));
  if (named.length > 0) return named;
  const plain = blocks.filter(({ info, code }) => info === "" && /\w\s*\(|=/.test(code));
  return plain.length > 0 ? plain : blocks;
}

const NAMES: Readonly<Record<Language, RegExp>> = {
  python: /^(?:python|py|python3)\b/i,
  javascript: /^(?:javascript|js|node)\b/i,
};

/** The programs that an answer to a problem of standard input may mean, in order: the last that parses is it. */
export function programsOf(problem: Problem, answer: string, finish?: Finish): readonly string[] {
  const said = afterReasoning(answer, finish);
  if (said === undefined) return [];
  const blocks = codeBlocks(said.text);
  return blocks.length === 0
    ? [said.text]
    : programBlocks(blocks, problem.language).map(({ code }) => code);
}
