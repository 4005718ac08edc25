import { describe, expect, test } from "vitest";
import type { Finish } from "../environment.js";
import { statedAnswer, statedNumber } from "./stated.js";

/** A response, the text that it states and the number; `undefined` where it states none. */
const TABLE: readonly (readonly [string, string | undefined, string | undefined, Finish?])[] = [
  ["so\n#### 4", "4", "4"],
  ["#### 4", "4", "4"],
  ["####4", "4", "4"],
  ["####\n4", "4", "4"],
  ["#### \n\n 4\n", "4", "4"],
  ["The final answer is:\n\n18", "18", "18"],
  ["The answer is 18.", "The answer is 18.", "18"],
  ["Final answer: 5\nAnswer: 6 apples", "6 apples", "6"],
  ["<answer>1</answer> no, <answer>\n2 </answer>", "2", "2"],
  ["thus \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}", "0.5"],
  ["\\boxed{\\frac{\\sqrt{3}}{2}}", "\\frac{\\sqrt{3}}{2}", undefined],
  ["\\boxed{3} then \\boxed{\\frac{\\sqrt{3}}{2}}", "\\frac{\\sqrt{3}}{2}", undefined],
  ["**Answer:** 4", "4", "4"],
  ["**Answer**: 4", "4", "4"],
  ["Answer: **4**", "4", "4"],
  ["**Answer: 4**", "4", "4"],
  ["*Answer:* 4", "4", "4"],
  ["### Answer: 4", "4", "4"],
  ["Answer: $4$", "4", "4"],
  ["Answer: \\(4\\)", "4", "4"],
  ["Answer: \\[4\\]", "4", "4"],
  ["Answer:\n$$4$$", "4", "4"],
  ["Answer: \\boxed{4}", "4", "4"],
  ["<answer>\\boxed{4}</answer>", "4", "4"],
  ["<ANSWER>4</ANSWER>", "4", "4"],
  ["<answer>Answer: 4</answer>", "4", "4"],
  ["\\boxed{\n4\n}", "4", "4"],
  ["\\boxed {4}", "4", "4"],
  ["\\boxed{4", undefined, undefined],
  ["\\boxed{3}\nso \\boxed{", undefined, undefined],
  ["<answer>3</answer> <answer>4", undefined, undefined],
  ["#### 3\n####", undefined, undefined],
  ["#### 3\n#### none", "none", undefined],
  ["Answer: 3\nAnswer:", undefined, undefined],
  ["\\boxed{}", undefined, undefined],
  ["\\boxed{3}\\boxed{}", undefined, undefined],
  ["<think>\\boxed{4}", undefined, undefined],
  ["<think>\\boxed{4}</think>", "", undefined],
  ["<think>#### 4</think>\n#### 5", "5", "5"],
  ["#### 4</think>\n5", "5", "5"],
  ["<thinking>4</thinking>5", "5", "5"],
  ["<think>4</think>", "", undefined],
  ["4</think>", "", undefined],
  ["<think>a</think><think>\\boxed{4}", undefined, undefined],
  ["#### 4", undefined, undefined, "length"],
  ["#### 4\nnext", "4", "4", "length"],
  ["\\boxed{4} and so", "4", "4", "length"],
  ["so it is 4", undefined, undefined, "length"],
  ["\\boxed{4}", undefined, undefined, "reasoning"],
  ["\\boxed{3}</think>\\boxed{4}", "4", "4", "reasoning"],
  ["4", undefined, undefined, "length"],
  ["She has 3 and 4, so 7 in all.\n", "She has 3 and 4, so 7 in all.", "7"],
  ["She has 7.\nThat is all.", "She has 7.\nThat is all.", "7"],
  ["That makes 10^3", "That makes 10^3", "1000"],
  ["6 - 3\nis 10 - 3", "6 - 3\nis 10 - 3", undefined],
  ["I sold 18 pens in 3 days", "I sold 18 pens in 3 days", "3"],
  ["The answer is 5.\nNo: the answer is 6.", "The answer is 5.\nNo: the answer is 6.", "6"],
  ["\\boxed{5}. That answer is correct.", "5", "5"],
  ["\\boxed{17} no wait. The answer is 18.", "17", "18"],
  ["A: 18", "18", "18"],
  ["The answer is not 17 but 18", "The answer is not 17 but 18", "18"],
  ["#### 3 + 4 = 7", "3 + 4 = 7", "7"],
  ["Final answer: 3 apples, not 4", "3 apples, not 4", "3"],
  ["\\boxed{\\text{yes}}", "\\text{yes}", undefined],
  ["\\boxed{\\boxed{4}}", "\\boxed{4}", undefined],
  ["\\boxed{x = 5}", "x = 5", "5"],
  ["answer = 5", "answer = 5", "5"],
  ["Answer (in cm): 5", "5", "5"],
  ["The final answer is $\\boxed{5}$.", "5", "5"],
  ["#### $1,000", "$1,000", "1000"],
];

describe("what a response states", () => {
  for (const [response, text, number, finish] of TABLE)
    test(JSON.stringify(finish === undefined ? response : [response, finish]), () => {
      expect(statedAnswer(response, finish)?.text).toBe(text);
      expect(statedNumber(response, finish)?.value).toBe(number);
    });

  test("and where it stands", () => {
    const response = "<think>#### 3</think>\nSo **Answer:** $12$ pens";
    const { start, end } = statedAnswer(response)!;
    expect(response.slice(start, end)).toBe("$12$ pens");
  });
});

/** What people's own text, or a model that goes round in circles, may be made of. */
const PIECES = [
  " ",
  "\n",
  "\t",
  "$",
  "*",
  "**",
  "#",
  "####\n",
  "{",
  "}",
  "\\",
  "a",
  "1",
  "1,",
  "1 or ",
  "answer",
  "answer: ",
  "answer is\n",
  "answer (",
  "A:\n",
  "\\boxed{",
  "\\boxed{4}",
  "<answer>",
  "</answer>",
  "<think>",
  "</think>",
  "\\frac{1}",
  "0 1/",
  "1/",
  "1^",
  "not ",
  "x = ",
  "- ",
  "(",
  "½",
];

test.each(PIECES)("time grows with the length alone: %j again and again", (piece) => {
  // Of this process's own: a busy machine lengthens every other time.
  const seconds = (length: number): number => {
    const text = piece.repeat(length / piece.length);
    const before = process.cpuUsage();
    statedAnswer(text);
    statedNumber(text);
    return process.cpuUsage(before).user / 1000;
  };
  seconds(20_000);
  const best = (length: number): number => Math.min(...[0, 1, 2].map(() => seconds(length)));
  // Eight times the length: a square would take 64 times as long. Collecting garbage makes single times vary.
  expect(best(200_000)).toBeLessThan(24 * best(25_000) + 100);
});
