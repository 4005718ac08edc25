/** Ways of saying an answer, and of seeming to say it, for `errata env check`. */
/** By name, the actions of an attempt. */
export type Attempts = Readonly<Record<string, readonly string[]>>;

/** What is no answer to anything. */
const NONSENSE = "?!";

/** The forms in which the reader of answers finds `text`, a line or more. */
export function statedForms(text: string): Attempts {
  const line: Attempts = {
    boxed: [`So it is $\\boxed{${text}}$.`],
    "behind ####": [`So it is.\n#### ${text}`],
    "behind Answer:": [`So it is.\nAnswer: ${text}`],
    "behind a bold Answer:": [`So it is.\n\n**Answer:** ${text}`],
    "on the next line": [`The final answer is:\n\n${text}`],
  };
  const balanced = (text.match(/\{/g) ?? []).length === (text.match(/\}/g) ?? []).length;
  const { boxed, ...others } = line;
  return {
    tagged: [`So it is.\n<answer>${text}</answer>`],
    "after thoughts": [
      `<think>Perhaps \\boxed{${NONSENSE}}.</think>\n<answer>\n${text}\n</answer>`,
    ],
    ...(text.includes("\n") ? {} : others),
    ...(balanced && !text.includes("\n") ? { boxed: boxed! } : {}),
  };
}

/** Responses that hold `text` and do not state it. */
export function unstatedForms(text: string): Attempts {
  return {
    "thoughts alone": [`<think>It is \\boxed{${text}}.</think>`],
    "thoughts that were not finished": [`<think>It is\n#### ${text}`],
    "a box before one that does not close": [`\\boxed{${text}} or \\boxed{${text}`],
    "a marker before an empty one": [`#### ${text}\n####`],
    "a box before another": [`\\boxed{${text}} or rather \\boxed{${NONSENSE}}`],
    "tags before others": [`<answer>${text}</answer> or <answer>${NONSENSE}</answer>`],
  };
}

/** What may be about a number so that it is another, or none. */
export function changedNumbers(text: string): Attempts {
  return {
    "its power": [`#### ${text}^3`],
    "a difference": [`#### ${text} - 3`],
    "one of two": [`#### ${text} or ${text}7`],
    "what it is not": [`The answer is not ${text}`],
    "a variable": [`\\boxed{${text}x}`],
    "an equation the wrong way round": [`#### ${text} = x`],
  };
}
