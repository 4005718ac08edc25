import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { checkEnvironment } from "../../assess/check-environment.js";
import { findData } from "../data-folder.js";
import type { Task, Verdict } from "../environment.js";
import { statedNumber } from "../answers/stated.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { annotations, isSlip } from "./annotation.js";
import { gsm8kTask } from "./data.js";
import { gsm8k } from "./gsm8k.js";
import { localise } from "./localise.js";

describe("annotations", () => {
  test.each([
    ["<<48/2=24>>", false],
    ["<<10/3=3.33>>", false],
    ["<<10/3=3>>", false],
    ["<<2*(3+4)-1=13>>", false],
    ["<<20%*50=10>>", false],
    ["<<1,200*2=2400>>", false],
    ["<<3x4=12>>", false],
    ["<<-2--3=1>>", false],
    ["<<3+4=8>>", true],
    ["<<10/3=3.35>>", true],
    ["<<0.1+0.2=0.3>>", false],
  ])("%s is a slip: %s", (text, slip) => {
    expect(isSlip(annotations(text)[0]!)).toBe(slip);
  });

  test("what is no arithmetic is not judged", () => {
    expect(annotations("<<x+2=4>>")[0]!.computed).toBeUndefined();
    expect(annotations("<<5/0=1>>").some((a) => isSlip(a))).toBe(false);
    expect(annotations("<<10-2x=4x>> <<no>>")).toEqual([]);
    const deep = `<<${"(".repeat(50_000)}1${")".repeat(50_000)}=1>>`;
    expect(annotations(deep)[0]!.computed).toBeUndefined();
  });

  test("sums that come to nothing take no more than their length", () => {
    const took = (text: string): number => {
      const started = performance.now();
      annotations(text);
      return performance.now() - started;
    };
    took("1+".repeat(1000));
    expect(took("1+".repeat(30_000))).toBeLessThan(3000); // with a quadratic pattern it was 7 seconds
  });

  test("each stands in its line", () => {
    const text = "a <<1+1=2>> <<2+2=4>>\n\nb <<3+3=6>>";
    expect(annotations(text).map(({ line }) => text.slice(line.start, line.end))).toEqual([
      "a <<1+1=2>> <<2+2=4>>",
      "a <<1+1=2>> <<2+2=4>>",
      "b <<3+3=6>>",
    ]);
  });
});

const REFERENCE =
  "He ran 3*60=<<3*60=180>>180 meters a day.\nSo 180*3=<<180*3=540>>540 a week.\n#### 540";

describe("the first wrong line", () => {
  const lineOf = (solution: string): [string, string, string] => {
    const { family, evidence, span } = localise(solution, REFERENCE)!.error;
    return [family, evidence, solution.slice(span.start, span.end)];
  };

  test.each([
    ["a <<3*60=180>>\nb <<180*3=550>>\nA: 550", "arithmetic-slip", "oracle", "b <<180*3=550>>"],
    ["a <<3*60=540>>\nA: 54", "arithmetic-slip", "oracle", "a <<3*60=540>>"],
    ["a <<3+60=63>>\nb <<63*3=189>>\nA: 189", "wrong-operator", "heuristic", "a <<3+60=63>>"],
    ["a <<3*60=180>>\nb <<180*7=1260>>\nA: 1260", "wrong-operand", "heuristic", "b <<180*7=1260>>"],
    ["a <<60/2=30>>\nA: 30", "wrong-relation", "heuristic", "a <<60/2=30>>"],
    ["a <<3*60=180>>\nA: 180", "stops-early", "heuristic", "A: 180"],
    ["a <<3*60=180>>\nb <<180*3=540>>\nA: 54", "wrong-final-answer", "heuristic", "A: 54"],
    ["It is 12.", "wrong-final-answer", "heuristic", "It is 12."],
  ])("of %j", (solution, ...expected) => {
    expect(lineOf(solution)).toEqual(expected);
  });

  test("without annotations the equations in the text are read, with less confidence", () => {
    const solution = "He ran 3 x 60 = 180 m.\nIn a week $180 x 7 = $1,260 m.\nThe answer is 1,260.";
    const { error, departure } = localise(solution, REFERENCE)!;
    expect(error).toMatchObject({ family: "wrong-operand", evidence: "heuristic" });
    expect(error.confidence).toBeCloseTo(0.8 * 0.78);
    expect(solution.slice(error.span.start, error.span.end)).toMatch(/^In a week/);
    expect(departure).toBe("1260");
    expect(localise("3 x 60 = 181\nA: 181", REFERENCE)!.error.family).toBe("wrong-operator");
  });

  test("without a calculation or a number nothing is said", () => {
    expect(localise("I do not know.", REFERENCE)).toBeUndefined();
  });
});

describe("the environment", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "errata-gsm8k-"));
    const line = (i: number): string =>
      JSON.stringify({
        question: `What is 3 times ${i}?`,
        answer: `<<3*${i}=${3 * i}>>\n#### ${3 * i}`,
      });
    const lines = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, i) => line(from + i)).join("\n");
    writeFileSync(join(folder, "train.jsonl"), `${lines(1, 201)}\n`);
    writeFileSync(join(folder, "test.jsonl"), lines(191, 221));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const attempt = async (task: Task, solution: string): Promise<Verdict> => {
    const environment = gsm8k({ folder });
    return environment.judge(await playActions(environment, task, [solution]));
  };
  const task = gsm8kTask({ question: "How far?", answer: REFERENCE }, "train");

  test("splits share no question, and a question in both files is a test question", () => {
    const environment = gsm8k({ folder });
    const [train, validation, held] = (["train", "validation", "test"] as const).map(
      (split) => new Set(environment.tasks!(split).map((t) => t.id)),
    );
    expect(held!.size).toBe(30);
    expect(train!.size + validation!.size).toBe(190);
    expect(validation!.size).toBeGreaterThan(5);
    expect([...train!, ...validation!].filter((id) => held!.has(id))).toEqual([]);
  });

  test("a draw is of the level and split asked for; an unknown level is refused", () => {
    const environment = gsm8k({ folder });
    const random = Random.from(1, "draw");
    const drawn = environment.draw({ split: "validation", level: "steps-2", random });
    expect(drawn).toMatchObject({ domain: "gsm8k", split: "validation", level: "steps-2" });
    expect(() => environment.draw({ split: "train", level: "hard", random })).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_LEVEL" }),
    );
  });

  test("the prompt is a conversation too, and ends with the episode", () => {
    const environment = gsm8k({ folder });
    const turn = environment.start(task);
    expect(turn.observation).toContain("How far?");
    expect(turn.messages).toEqual([{ role: "user", content: turn.observation }]);
  });

  test("a verdict carries the answer, the wrong step, its family and the departing value", async () => {
    expect(await attempt(task, "So\nA: $540.00")).toMatchObject({ correct: true, answer: "540" });
    expect(await attempt(task, "a <<3+60=63>>63\nA: 63")).toMatchObject({
      correct: false,
      stop: "wrong",
      answer: "63",
      signature: "wrong-operator",
      wrongOutputs: { step: "63" },
      firstError: { step: 0, span: { start: 0, end: 15 }, expected: REFERENCE },
    });
    expect(await attempt(task, "no idea")).toMatchObject({ answer: "", stop: "malformed" });
  });

  test.each(["stops-early", "arithmetic-slip"])("the mal-rule %s is recognised", async (name) => {
    const environment = gsm8k({ folder });
    const trajectory = await playProcedure(environment, task, name, Random.from(1, "mal-rule"));
    expect(await environment.judge(trajectory)).toMatchObject({ correct: false, signature: name });
  });

  test("an absent or damaged file is named", () => {
    expect(() => gsm8k({ folder: join(folder, "none") }).tasks!("train")).toThrow(
      expect.objectContaining({
        code: "ENVIRONMENT_DATA",
        hint: expect.stringContaining("openai/grade-school-math") as string,
      }),
    );
    const broken = mkdtempSync(join(folder, "broken-"));
    writeFileSync(
      join(broken, "test.jsonl"),
      '{"question": "a", "answer": "#### 1"}\n{"question": 3}\n',
    );
    expect(() => gsm8k({ folder: broken }).tasks!("test")).toThrow(/test\.jsonl:2 has no text/);
  });
});

const data = findData("gsm8k");

describe.runIf(data !== undefined)("the published data set", () => {
  test("every reference is accepted, every corrupted one refused", async () => {
    const result = await checkEnvironment(gsm8k(), { tasks: 2000, seed: 1 });
    expect(result).toMatchObject({
      tasks: 2000,
      referenceAccepted: 2000,
      corrupted: 2000,
      corruptedRejected: 2000,
      failures: [],
    });
  });

  interface Answer {
    readonly reference: string;
    readonly solution: string;
    readonly labelled: boolean;
    readonly right: boolean;
  }

  function published(): Answer[] {
    interface Column {
      readonly is_correct: boolean;
      readonly solution: string;
    }
    const lines = readFileSync(join(data!, "example_model_solutions.jsonl"), "utf8").trim();
    return lines.split("\n").flatMap((line) => {
      const record = JSON.parse(line) as Record<string, string | Column>;
      const reference = record["ground_truth"] as string;
      const columns = Object.values(record).filter((value) => typeof value !== "string");
      return columns.map(({ is_correct: labelled, solution }) => {
        const right = statedNumber(solution)?.value === statedNumber(reference)!.value;
        return { reference, solution, labelled, right };
      });
    });
  }

  test("the labels of 5,276 answers of models agree with the normaliser", () => {
    const answers = published();
    expect(answers).toHaveLength(5276);
    expect(answers.filter(({ labelled, right }) => labelled !== right)).toEqual([]);
  });

  test("the confidences are those measured on these answers", () => {
    const counts = new Map<string, { right: number; wrong: number; confidence: number }>();
    const total = { right: 0, wrong: 0, read: 0 };
    const lineOf = (text: string, at: number): number => text.slice(0, at).split("\n").length;
    for (const { solution, reference, right } of published()) {
      const { error, departure } = localise(solution, reference) ?? {};
      const outcome = right ? "right" : "wrong";
      total[outcome]++;
      if (!right && error !== undefined) {
        const bare = solution.replaceAll(/<<[^<>]*>>/g, "");
        const found = localise(bare, reference)?.error.span.start;
        if (found !== undefined && lineOf(bare, found) === lineOf(solution, error.span.start))
          total.read++;
      }
      if (error === undefined || departure === undefined || error.evidence === "oracle") continue;
      const { family, confidence } = error;
      const count = counts.get(family) ?? { right: 0, wrong: 0, confidence };
      count[outcome]++;
      counts.set(family, count);
    }
    expect([...counts.keys()].toSorted()).toEqual([
      "wrong-operand",
      "wrong-operator",
      "wrong-relation",
    ]);
    for (const { right, wrong, confidence } of counts.values())
      expect(1 - right / total.right / (wrong / total.wrong)).toBeCloseTo(confidence, 2);
    expect([...counts.values()].reduce((n, { right }) => n + right, 0)).toBe(460);
    expect(total).toEqual({ right: 2001, wrong: 3275, read: 2551 });
  });

  test("no reference has a slip or departs from itself", () => {
    const environment = gsm8k();
    for (const split of ["train", "validation", "test"] as const) {
      for (const { data: given } of environment.tasks!(split)) {
        const { answer } = given as { answer: string };
        expect(annotations(answer).filter((a) => isSlip(a))).toEqual([]);
        expect(localise(answer, answer)!.departure).toBeUndefined();
      }
    }
  });
});

test.runIf(data === undefined)("the published data set", ({ skip }) =>
  skip("GSM8K is absent: set ERRATA_DATA to the folder that holds gsm8k/"),
);
