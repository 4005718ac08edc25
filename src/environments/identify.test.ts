import { describe, expect, test } from "vitest";
import { Random } from "../util/random.js";
import { arithmetic } from "./arithmetic/arithmetic.js";
import { code } from "./code/code.js";
import type { Environment, Split, Task } from "./environment.js";
import { identified } from "./identify.js";
import { proof } from "./proof/proof.js";
import { rewriting } from "./rewriting/rewriting.js";
import { takeover } from "./support/conversation.js";
import { support } from "./support/support.js";

const environments = [arithmetic(), proof(), rewriting(), code(), support()] as Environment[];
const splits: readonly Split[] = ["train", "validation", "test"];

describe.each(environments)("$name", (environment) => {
  test.each(environment.levels)("knows every task it draws at %s by its data", (level) => {
    const random = Random.from(3, level);
    for (const split of splits)
      for (let i = 0; i < 5; i++) {
        const task = environment.draw({ split, level, random });
        expect(environment.identify!(task)).toEqual({ id: task.id, split: task.split });
      }
  });

  test("does not believe a record that calls a held-out task a training task, or by another name", () => {
    const task = environment.draw({
      split: "test",
      level: environment.levels[0]!,
      random: Random.from(4, "test"),
    });
    expect(identified(environment, { ...task, id: "another", split: "train" })).toEqual(task);
  });

  test("throws on data that are no task", () => {
    const data = { nothing: "of the kind" };
    expect(() => environment.identify!({ level: environment.levels[0]!, data })).toThrow(
      expect.objectContaining({ code: expect.any(String) as string }) as Error,
    );
  });
});

test("a conversation that is taken over has an id of its own and stays in its split", () => {
  const environment = support() as Environment;
  const task = environment.draw({
    split: "validation",
    level: environment.levels[0]!,
    random: Random.from(5, "takeover"),
  });
  const first = environment.procedures.correct(
    environment.start(task).state,
    Random.from(6, "first"),
  );
  const over = takeover(task, [first])!;
  expect(over.id).not.toBe(task.id);
  expect(environment.identify!(over)).toEqual({ id: over.id, split: "validation" });
});

test("where tasks are listed the list is believed, and what is not in it is refused", () => {
  const task = (id: string, split: Split, answer: string): Task => ({
    id,
    domain: "listed",
    level: "all",
    split,
    data: { answer },
  });
  const environment = {
    tasks: (split: Split) => [task(`${split}-1`, split, "right")],
  } as Partial<Environment> as Environment;
  expect(identified(environment, task("test-1", "train", "forged"))).toEqual(
    task("test-1", "test", "right"),
  );
  expect(() => identified(environment, task("unheard-of", "train", "forged"))).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_TASK" }),
  );
  expect(identified({} as Environment, task("test-1", "train", "x")).split).toBe("train");
});
