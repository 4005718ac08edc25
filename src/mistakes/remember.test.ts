import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Corpus } from "./corpus/corpus.js";
import { textEmbedding } from "./corpus/embedding.js";
import { LocalEngine } from "../engine/local.js";
import type { Engine } from "../engine/engine.js";
import type { Environment, Message, Turn } from "../environments/environment.js";
import { playActions } from "../environments/play-procedure.js";
import type { Prompt, Tokenizer } from "../models/tokenizer.js";
import { play, type Group } from "../play/play.js";
import { Random } from "../util/random.js";
import { remember } from "./remember.js";
import { tokenExample } from "../models/imitate.js";
import {
  attempt,
  cuePolicy,
  cues,
  cueTask,
  cueTokenizer,
  groupOf,
  rightAnswer,
  rightWith,
  scriptedModel,
  type CueState,
} from "../testing/testing.js";

const engine = new LocalEngine();
const embedder = cuePolicy(rightWith(0.5));

let corpus: Corpus;
beforeEach(() => {
  corpus = Corpus.open(":memory:", { novelty: false });
});
afterEach(() => corpus.close());

const rememberAll = (
  groups: readonly Group[],
  changes: { engine?: Engine; source?: string } = {},
) =>
  remember(groups, {
    corpus,
    environment: cues as Environment,
    engine,
    embedder,
    source: "student",
    step: 5,
    ...changes,
  });

describe("what enters the corpus", () => {
  test("is every wrong attempt, at its first wrong step", async () => {
    const counts = await rememberAll([groupOf("abcd", ["xyxy", "xxxx", "xyxz"])]);
    expect(counts).toEqual({ admitted: 2, merged: 0, rejected: 0 });
    const [first, second] = corpus.list();
    expect(first).toMatchObject({
      domain: "cues",
      level: "long",
      taskId: "abcd",
      state: "b",
      wrongStep: "x",
      correctStep: "y",
      answer: "xxxx",
      signature: "always-x",
      source: "student",
      evidence: "test",
      step: 5,
    });
    expect(second).toMatchObject({
      state: "d",
      wrongStep: "z",
      answer: "xyxz",
      signature: "unrecognised",
    });
    expect(corpus.show(first!.id).traces[0]!.trace).toEqual([
      { prompt: "a", action: "x" },
      { prompt: "b", action: "x" },
      { prompt: "c", action: "x" },
      { prompt: "d", action: "x" },
    ]);
  });

  test("is never what exploration sampled, what is right, what failed, or what cannot be localised", async () => {
    const task = cueTask("abcd");
    const wrong = attempt(task, "zzzz");
    const { firstError: _, ...unlocalised } = wrong.verdict;
    const rollouts = [
      attempt(task, "xyxy"),
      attempt(task, "zzzz", { offPolicy: true }),
      attempt(task, "zz", { failure: "broken" }),
      { ...wrong, verdict: unlocalised },
    ];
    expect(await rememberAll([{ task, rollouts }])).toEqual({
      admitted: 0,
      merged: 0,
      rejected: 0,
    });
    expect(corpus.stats().mistakes).toBe(0);
  });

  test("merges with what it repeats, and keeps the count of its sources", async () => {
    await rememberAll([groupOf("abcd", ["xxxx"])]);
    const counts = await rememberAll([groupOf("abcd", ["xxxx", "xxxx"])], {
      source: "weak:always-x",
    });
    expect(counts).toEqual({ admitted: 0, merged: 2, rejected: 0 });
    expect(corpus.show(1).sources).toEqual({ student: 1, "weak:always-x": 2 });
  });

  test("is never an attempt at a held-out task", async () => {
    corpus.registerHeldOut("cues", ["abcd"]);
    const test = cueTask("dcba", "test");
    const validation = cueTask("cccc", "validation");
    const counts = await rememberAll([
      groupOf("abcd", ["zzzz"]),
      { task: test, rollouts: [attempt(test, "zzzz")] },
      { task: validation, rollouts: [attempt(validation, "zzzz"), attempt(validation, "yyyy")] },
    ]);
    expect(counts).toEqual({ admitted: 0, merged: 0, rejected: 4 });
    expect(corpus.stats()).toMatchObject({ mistakes: 0, traces: 0, heldOutRejected: 4 });
  });

  test("is nothing when nothing went wrong", async () => {
    expect(await rememberAll([])).toEqual({ admitted: 0, merged: 0, rejected: 0 });
    expect(await rememberAll([groupOf("abcd", ["xyxy"])])).toEqual({
      admitted: 0,
      merged: 0,
      rejected: 0,
    });
  });
});

describe("recurrence", () => {
  /** Attempts that agree, as of a group of 8, by answer. */
  async function sameAnswers(
    answers: readonly string[],
    offPolicy = 0,
  ): Promise<Record<string, number>> {
    const { task, rollouts } = groupOf("abcd", answers);
    const explored = Array.from({ length: offPolicy }, () =>
      attempt(task, "zzzz", { offPolicy: true }),
    );
    await rememberAll([{ task, rollouts: [...rollouts, ...explored] }]);
    const traces = corpus.tracesForExpert("cues", undefined, { limit: 100 });
    return Object.fromEntries(traces.map((t) => [t.answer, t.sameAnswers]));
  }

  test("is counted as it is in a group of eight", async () => {
    const right = new Array<string>(4).fill("xyxy");
    expect(await sameAnswers([...right, "xxxx", "xxxx", "xxxx", "xyxz"])).toEqual({
      xxxx: 3,
      xyxz: 1,
    });
  });

  test("is scaled up from a group of four", async () => {
    expect(await sameAnswers(["xxxx", "xxxx", "xyxz", "xyxy"])).toEqual({ xxxx: 4, xyxz: 1 });
  });

  test("is scaled down from a group of sixteen", async () => {
    const right = new Array<string>(10).fill("xyxy");
    expect(await sameAnswers([...right, "xxxx", "xxxx", "xxxx", "xxxx", "xxxx", "xyxz"])).toEqual({
      xxxx: 2,
      xyxz: 1,
    });
  });

  test("counts on-policy attempts alone: what exploration avoids must not dilute it", async () => {
    expect(await sameAnswers(["xxxx", "xxxx", "xyxz", "xyxy"], 4)).toEqual({ xxxx: 4, xyxz: 1 });
  });

  test.each([1, 2, 3, 4])(
    "is never claimed of what was seen once in %i attempts",
    async (attempts) => {
      const answers = ["xxxx", "xyxz", "xyzz", "xzzz"].slice(0, attempts);
      expect(Object.values(await sameAnswers(answers))).toEqual(new Array(attempts).fill(1));
    },
  );

  test("of a single attempt is 0, of equal ones 1", async () => {
    await rememberAll([groupOf("abcd", ["xxxx"]), groupOf("dbca", ["yyyy", "yyyy", "yyyy"])]);
    const recurrence = Object.fromEntries(corpus.list().map((m) => [m.answer, m.recurrence]));
    expect(recurrence).toEqual({ xxxx: 0, yyyy: 1 });
  });
});

describe("embeddings", () => {
  const blind = new Proxy(engine, {
    get: (target, key) => {
      if (key === "capabilities") return { embeddings: false, steeredSampling: true };
      if (key === "embed") return () => Promise.reject(new Error("asked for hidden states"));
      return Reflect.get(target, key, target) as unknown;
    },
  }) as Engine;

  const similarity = (embedding: Float32Array): number =>
    corpus.nearest({ domain: "cues", level: "long", embedding, limit: 1 })[0]!.similarity;

  test("come from the hidden states of the embedder where the engine has them", async () => {
    await rememberAll([groupOf("abcd", ["xxxx", "zyxy"])]);
    expect(corpus.whitening("state")!.mean).toHaveLength(embedder.shape.width);
    expect(corpus.whitening("action")!.mean).toHaveLength(embedder.shape.width);
    // State and action, one after the other.
    expect(() => similarity(new Float32Array(2 * embedder.shape.width).fill(1))).not.toThrow();
  });

  test("fall back to the text of the state and of the edit where it has none", async () => {
    await rememberAll([groupOf("abcd", ["xxxx"])], { engine: blind });
    expect(corpus.whitening("state")).toBeUndefined();
    expect(similarity(textEmbedding({ state: "b", wrongStep: "x", correctStep: "y" }))).toBeCloseTo(
      1,
      6,
    );
    expect(similarity(textEmbedding({ state: "b", wrongStep: "x" }))).toBeLessThan(0.99);
  });
});

test("an empty action, and a prompt longer than the context, are embedded like any other", async () => {
  const { task, rollouts } = groupOf("bb", ["xx", "xx"]);
  const long = new Array<number>(embedder.shape.context + 3).fill(2);
  const changed = rollouts.map((r, i) => ({
    ...r,
    actions: r.actions.map((a) => ({ ...a, ...(i === 0 ? { completion: [] } : { prompt: long }) })),
  }));
  const { admitted, merged, rejected } = await rememberAll([{ task, rollouts: changed }]);
  expect({ remembered: admitted + merged, rejected }).toEqual({ remembered: 2, rejected: 0 });
});

describe("a conversation", () => {
  /** The cues as a conversation: every one so far with what was answered. */
  const talk: Environment = {
    ...(cues as Environment),
    name: "talk",
    start: (task) => conversed(cues.start(task)),
    step: (state, action) => conversed(cues.step(state as CueState, action)),
  };
  const conversed = (turn: Turn<CueState>): Turn<unknown> => {
    const { cues: row, answer } = turn.state;
    const said = [...answer].flatMap((action, i): Message[] => [
      { role: "user", content: row.charAt(i) },
      { role: "assistant", content: action },
    ]);
    const system = { role: "system", content: "answer each cue" } as const;
    const last = { role: "user", content: turn.observation } as const;
    return { ...turn, messages: [system, ...said, last] };
  };
  const task = { ...cueTask("abcd"), domain: "talk" };

  test("is kept as it was seen, with what a verification starts from", async () => {
    const model = scriptedModel((cue) => (cue === "c" ? "y" : rightAnswer(cue)));
    const rollouts = await play(talk, model, [task, task], Random.from(0, "play"));
    await remember([{ task, rollouts }], {
      corpus,
      environment: talk,
      engine,
      embedder,
      source: "student",
      step: 5,
    });
    const { level, taskId, domain } = corpus.show(1);
    const [kept] = corpus.show(1).traces;
    expect(kept!.trace.map((s) => s.messages?.at(-1)?.content)).toEqual(["a", "b", "c", "d"]);
    expect(
      kept!.trace
        .at(-1)!
        .messages!.map((m) => m.content)
        .join(" "),
    ).toBe("answer each cue a x b y c y d");
    // All that the environment needs to give its verdict again.
    const again = { id: taskId, domain, level, split: "train", data: kept!.data! } as const;
    const trajectory = await playActions(
      talk,
      again,
      kept!.trace.map((s) => s.action),
    );
    expect(await talk.judge(trajectory)).toMatchObject(rollouts[0]!.verdict);
    const last = corpus.list().at(-1)!;
    expect(corpus.seenAt(last).messages).toEqual(
      kept!.trace.find((s) => s.prompt === last.state)!.messages,
    );
    expect(corpus.tracesForExpert("talk", undefined, { limit: 1 })[0]!.trace).toEqual(kept!.trace);
  });

  test("is what an expert is fitted to, as the student meets it", () => {
    const reading = {
      ...cueTokenizer,
      stop: 1,
      encode: (text: string) => cueTokenizer.encode(text),
      encodePrompt: ({ messages }: Prompt) =>
        cueTokenizer.encode(messages!.map((m) => (m.role === "user" ? m.content : "")).join("")),
    } as unknown as Tokenizer;
    const messages = [
      { role: "system", content: "answer" },
      { role: "user", content: "ab" },
    ] as const;
    const { tokens } = tokenExample({ prompt: "b", messages, action: "x" }, reading, 1);
    expect(tokens).toEqual(cueTokenizer.encode("ab"));
  });
});
