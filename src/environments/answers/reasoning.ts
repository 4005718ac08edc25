/** What a model thinks aloud, and what it says when it has thought. */
import type { Finish } from "../environment.js";

const TAGS = "think|thinking|thought|reasoning";
const CLOSED = new RegExp(`</(?:${TAGS})>`, "gi");
const OPENED = new RegExp(`<(?:${TAGS})>`, "i");

/**
 * What follows a model's reasoning, with where it starts; undefined where that was not finished: a
 * tag is open, or the prompt opened one (`finish` is `reasoning`).
 */
export function afterReasoning(
  text: string,
  finish?: Finish,
): { readonly text: string; readonly start: number } | undefined {
  let start = 0;
  for (const match of text.matchAll(CLOSED)) start = match.index + match[0].length;
  const said = text.slice(start);
  if (OPENED.test(said) || (finish === "reasoning" && start === 0)) return undefined;
  return { text: said, start };
}
