import { expect, test } from "vitest";
import { cueTokenizer } from "../testing/testing.js";
import { stepTokens } from "./contrast.js";

/** Renders prompts, as a chat template does. */
const templated = {
  size: cueTokenizer.size,
  stop: cueTokenizer.stop,
  encode: (text: string) => cueTokenizer.encode(text),
  decode: (tokens: readonly number[]) => cueTokenizer.decode(tokens),
  spans: (tokens: readonly number[]) => cueTokenizer.spans(tokens),
  encodePrompt: ({ observation }: { observation: string }) =>
    cueTokenizer.encode(`c${observation}d`),
};

test("a mistake of the corpus has the tokens that the student itself would have seen and written", () => {
  const mistake = { prompt: "ab", action: "xy" };
  expect(stepTokens(mistake, templated, 4)).toEqual({
    prompt: cueTokenizer.encode("cabd"),
    completion: [...cueTokenizer.encode("xy"), cueTokenizer.stop],
  });
  expect(stepTokens(mistake, templated, 1).completion).toEqual(cueTokenizer.encode("xy"));
});
