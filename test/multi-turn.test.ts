/** Training on conversations touches the student's own tokens and nothing else. */
import { describe, expect, test } from "vitest";
import type { Environment, Task } from "../src/environments/environment.js";
import { takeover } from "../src/environments/support/conversation.js";
import { support } from "../src/environments/support/support.js";
import { trainingSequences, type ScoredGroup } from "../src/learn/sequences.js";
import type { Model } from "../src/models/model.js";
import { lexiconTokenizer } from "../src/models/tokenizer.js";
import { inGroups, play, type Fork, type Rollout } from "../src/play/play.js";
import { playActions } from "../src/environments/play-procedure.js";
import { Random } from "../src/util/random.js";

const environment = support() as Environment;
const tokenizer = lexiconTokenizer(environment);
const random = Random.from(3, "multi-turn");

/** Acts by procedures at random and records the tokens a policy would have sampled. */
const student: Model = {
  act: async (prompts, r) => {
    const turns = prompts as unknown as readonly { state: unknown; observation: string }[];
    return turns.map(({ state, observation }) => {
      const name = r.uniform() < 0.7 ? "correct" : "past-window";
      const text = environment.procedures[name]!(state, r);
      const completion = [...tokenizer.encode(text), tokenizer.stop];
      const logprobs = completion.map(() => -1);
      const prompt = tokenizer.encode(observation);
      return { text, prompt, completion, logprobs, behaviourLogprobs: logprobs };
    });
  },
};

const tasks = Array.from({ length: 6 }, () =>
  environment.draw({ split: "train", level: "windows", random }),
);

/** Every rollout of a group with an advantage of its own. */
function scored(rollouts: readonly Rollout[]): ScoredGroup[] {
  return inGroups(rollouts, 4).map((group) => ({
    group,
    signals: group.rollouts.map((_, i) => ({ advantage: 1 + i, charge: -0.5 })),
  }));
}

/** What the student itself wrote, as `prompt > token` with the tokens it had written before. */
function ownTokens(rollouts: readonly Rollout[]): Set<string> {
  return new Set(
    rollouts.flatMap(({ actions }) =>
      actions.flatMap(({ prompt, completion }) =>
        completion.map(
          (token, t) => `${[...prompt, ...completion.slice(0, t)].join(",")}>${token}`,
        ),
      ),
    ),
  );
}

describe("a batch of conversations", () => {
  test.each(["step", "answer", "all"] as const)(
    "with charges on %s: no token of the customer, of a tool or of the notes carries a coefficient",
    async (scope) => {
      const rollouts = await play(environment, student, repeated(tasks), random);
      expect(rollouts.some(({ verdict }) => verdict.correct)).toBe(true);
      expect(rollouts.some(({ verdict }) => !verdict.correct)).toBe(true);
      const own = ownTokens(rollouts);
      const sequences = trainingSequences(scored(rollouts), tokenizer, scope);
      let targets = 0;
      for (const sequence of sequences)
        for (const { position, token } of sequence.targets) {
          expect(own).toContain(`${sequence.tokens.slice(0, position + 1).join(",")}>${token}`);
          targets++;
        }
      expect(targets).toBe(own.size);
    },
  );

  test("that take over from another agent: none of its tokens carries one either", async () => {
    const junior = ["ask identity"];
    const forks: Fork[] = [];
    const taken: Task[] = [];
    for (const task of tasks) {
      const { steps, end } = await playActions(environment, task, junior);
      for (let i = 0; i < 4; i++) forks.push({ task, steps, turn: { ...end, truncated: false } });
      for (let i = 0; i < 4; i++) taken.push(takeover(task, junior)!);
    }
    for (const start of [forks, taken]) {
      const rollouts = await play(environment, student, start, random);
      const own = ownTokens(rollouts);
      const sequences = trainingSequences(scored(rollouts), tokenizer, "all");
      const ask = tokenizer.encode("ask identity").join(",");
      for (const { tokens, targets } of sequences) {
        for (const { position, token } of targets)
          expect(own).toContain(`${tokens.slice(0, position + 1).join(",")}>${token}`);
        expect(tokens.slice(-2).join(",")).not.toBe(ask);
      }
      expect(sequences.length).toBeGreaterThan(20);
    }
  });
});

function repeated(list: readonly Task[]): Task[] {
  return list.flatMap((task) => new Array<Task>(4).fill(task));
}
