/** Attempts in words: conversations, programs as JavaScript, proofs as the export writes them. */
import { blockLines } from "../../environments/code/fragments.js";
import {
  needsCounter,
  parseRequirement,
  requirementText,
} from "../../environments/code/requirement.js";
import { initialState, write } from "../../environments/code/state.js";
import { coqScript } from "../../environments/proof/export.js";
import { parseSequent } from "../../environments/proof/sequent.js";
import type { Card, CardLine } from "../api.js";

/** What an attempt did and what is known of it. */
export interface Told {
  readonly domain: string;
  readonly task: string;
  readonly actions: readonly string[];
  /** What was asked, where it says more than the task's name. */
  readonly prompt?: string | undefined;
  readonly conversation?:
    | readonly { readonly role: string; readonly content: string }[]
    | undefined;
  /** Index of the first wrong action. */
  readonly wrongStep?: number | undefined;
  readonly expected?: string | undefined;
  readonly answer: string;
  readonly correct: boolean;
  readonly stop?: string | undefined;
  readonly detail?: string | undefined;
}

/** The attempt as a person reads it. */
export function cardOf(told: Told): Card {
  try {
    if (told.conversation !== undefined) return conversation(told, told.conversation);
    if (told.domain === "code") return program(told);
    if (told.domain === "proof" || told.domain === "proof-deep") return proof(told);
  } catch {
    // a task of another version, say: shown step by step
  }
  return steps(told);
}

function outcome({ correct, answer, stop, detail }: Told): string {
  if (correct) return "right";
  const test = /^(test \d+): (.*)$/s.exec(answer);
  if (test !== null) return `fails ${test[1]}: it gives ${test[2]}`;
  const why = { malformed: "cannot be read", rejected: "refused", truncated: "ran out of steps" }[
    stop ?? ""
  ];
  return [why ?? "wrong", detail ?? "", answer === "" ? "" : `answer ${answer}`]
    .filter((part) => part !== "")
    .join("; ");
}

function steps(told: Told): Card {
  const { actions, wrongStep, expected } = told;
  const lines = actions.flatMap((text, i): CardLine[] => [
    { text, ...(i === wrongStep ? { mark: "wrong" as const } : {}) },
    ...(i === wrongStep && expected !== undefined
      ? [{ text: expected, mark: "right" as const }]
      : []),
  ]);
  return { kind: "steps", lines, outcome: outcome(told) };
}

function conversation(
  told: Told,
  messages: readonly { readonly role: string; readonly content: string }[],
): Card {
  const { actions, wrongStep, expected } = told;
  const lines: CardLine[] = [];
  let action = 0;
  const act = (): void => {
    const wrong = action === wrongStep;
    lines.push({
      text: actions[action]!,
      role: "student",
      ...(wrong ? { mark: "wrong" as const } : {}),
    });
    if (wrong && expected !== undefined)
      lines.push({ text: expected, role: "instead", mark: "right" });
    action++;
  };
  for (const { role, content } of messages)
    if (role === "assistant" && action < actions.length) act();
    else
      lines.push({ text: content, role, ...(role === "system" ? { mark: "muted" as const } : {}) });
  while (action < actions.length) act();
  return { kind: "conversation", lines, outcome: outcome(told) };
}

/** Block by block; where a fragment is wrong, the line as it is and as it should be. */
function program(told: Told): Card {
  const { task, actions, wrongStep, expected } = told;
  const requirements = task.split("; ").map(parseRequirement);
  let state = initialState(requirements.map(requirementText));
  const written: string[][] = [];
  let wrong: { readonly block: number; readonly fragment: number } | undefined;
  for (const [i, action] of actions.entries()) {
    const block = state.blocks.length;
    (written[block] ??= []).push(action);
    if (i === wrongStep) wrong = { block, fragment: written[block].length - 1 };
    state = write(state, action);
    if (state.refusal !== undefined) break;
  }
  const lines = written.flatMap((fragments, block): CardLine[] => {
    const requirement = requirements[block];
    if (requirement === undefined) return [];
    const render = (parts: readonly string[]): readonly string[] =>
      blockLines(parts, requirement.subject, needsCounter(requirement));
    const comment: CardLine = { text: `// ${requirementText(requirement)}`, mark: "muted" };
    const own = render(fragments);
    if (wrong?.block !== block) return [comment, ...own.map((text) => ({ text }))];
    const upTo = render(fragments.slice(0, wrong.fragment));
    const withIt = render(fragments.slice(0, wrong.fragment + 1));
    const mended = render(fragments.with(wrong.fragment, expected ?? fragments[wrong.fragment]!));
    return [
      comment,
      ...own.flatMap((text, i): CardLine[] =>
        upTo[i] === withIt[i]
          ? [{ text }]
          : [
              { text, mark: "wrong" },
              ...(mended[i] === undefined || mended[i] === text
                ? []
                : [{ text: mended[i], mark: "right" as const }]),
            ],
      ),
    ];
  });
  return { kind: "program", lines, outcome: outcome(told) };
}

/** The first lines of a script, before its first tactic: the theorem and `Proof.`. */
const scriptHead = 2;

function proof(told: Told): Card {
  const { task, actions, wrongStep, expected } = told;
  const script = coqScript({ sequent: parseSequent(task), actions })
    .trimEnd()
    .split("\n");
  // A wrong proof is not finished: no `Qed.`
  const shown = told.correct ? script : script.slice(0, -1);
  const lines = shown.flatMap((text, i): CardLine[] =>
    i - scriptHead === wrongStep
      ? [
          { text, mark: "wrong" },
          ...(expected === undefined ? [] : [{ text: `  ${expected}`, mark: "right" as const }]),
        ]
      : [{ text }],
  );
  return { kind: "proof", lines, outcome: outcome(told) };
}
