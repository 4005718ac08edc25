/** Programming problems as data sets give them, and how an answer becomes a program that can be run. */
import type { Split } from "../../environment.js";

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
  /** A whole right program, where the data set has one. */
  readonly reference?: string;
  readonly grading: Grading;
}

/**
 * The program of an answer: code is taken out of its Markdown, and a mere completion is put behind
 * the prompt it completes. A whole function keeps what the prompt has before its own (imports,
 * helpers).
 */
export function programOf(problem: Problem, answer: string): string {
  const code = codeIn(answer, problem);
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
    ? new RegExp(String.raw`^(?:async\s+)?def\s+${name}\s*\(|^${name}\s*=`, "m")
    : new RegExp(
        String.raw`^(?:export\s+)?(?:(?:const|let|var)\s+${name}\s*=|(?:async\s+)?function\*?\s+${name}\s*\()`,
        "m",
      );
}

/** Past what a model thinks aloud; then the fenced block that defines the function, or the longest. */
function codeIn(answer: string, problem: Problem): string {
  const thought = answer.lastIndexOf("</think>");
  const text = thought < 0 ? answer : answer.slice(thought + "</think>".length);
  const blocks = [...text.matchAll(/^[ \t]*```[^\n`]*\n([\s\S]*?)(?:^[ \t]*```|(?![\s\S]))/gm)].map(
    (match) => match[1]!,
  );
  if (blocks.length === 0) return text;
  const defining = blocks.find((block) => defines(block, problem));
  return defining ?? blocks.reduce((longest, b) => (b.length > longest.length ? b : longest));
}
