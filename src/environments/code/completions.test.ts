import { expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { simpleBodies } from "./bodies.js";
import { casesFor, mutants } from "./cases.js";
import { canBeFinished, rightBodies, rightInitials } from "./completions.js";
import { codeTask, drawTask } from "./draw.js";
import { INITIALS, LENGTHS, placeAfter, programText } from "./fragments.js";
import { blockOf, interpret, readBody } from "./interpret.js";
import { HEADER, MAL_RULES, referencePlan, writtenBodies } from "./plans.js";
import {
  DIGITS,
  type Requirement,
  evaluate,
  needsCounter,
  parseRequirement,
  requirementText,
} from "./requirement.js";
import { JavaScriptSandbox } from "./sandbox/javascript.js";
import { initialState } from "./state.js";

function drawn(count: number, seed: number): readonly Requirement[] {
  const random = Random.from(seed, "completions-test");
  return Array.from({ length: count }, () =>
    drawTask({ split: "train", level: "three-results", random }),
  ).flatMap(({ data }) => initialState(data).requirements);
}

test("a requirement reads back as it was written", () => {
  for (const requirement of drawn(40, 1))
    expect(parseRequirement(requirementText(requirement))).toEqual(requirement);
});

test("what is no requirement is refused by name", () => {
  for (const text of [
    "",
    "count",
    "count array after x to 7 least 5",
    "sum array start rest each 3",
  ])
    expect(() => parseRequirement(text)).toThrow(
      expect.objectContaining({ code: "CODE_REQUIREMENT" }),
    );
});

test("the definition of each operation, worked out by hand", () => {
  const input = { a: [3, 8, 5, 5, 0, 9, 2, 7, 7, 1], s: "1234567890" };
  const value = (text: string): unknown => evaluate(parseRequirement(text), input);
  expect(value("count array after 3 to 7 least 5")).toBe(2); // of 0 9 2 7
  expect(value("count array after 3 to 6 least 5")).toBe(1);
  expect(value("sum array nth 2 before 4 each")).toBe(18); // 8 5 5
  expect(value("max array from 2 ere-nth 6 less 9")).toBe(5); // 5 5 0
  expect(value("min array from 1 before 4 less 5")).toBe(99); // 8 5 5
  expect(value("first array start rest repeats")).toBe(2);
  expect(value("last array start rest repeats")).toBe(7);
  expect(value("any back start before 2 most 1")).toBe(true); // 1 7
  expect(value("all text from 0 to 2 less 3")).toBe(false); // 1 2 3
  expect(value("run text start rest rises")).toBe(8);
  expect(value("reach text start before 4 more 5")).toBe(2); // 1 3 6 10
});

test("the interpreter agrees with QuickJS on random programs", async () => {
  const random = Random.from(2, "interpret-test");
  const sandbox = new JavaScriptSandbox({ threads: 1 });
  const fragmentsOf = (counter: boolean): readonly string[] => {
    let block: readonly string[] = [];
    for (;;) {
      const { legal } = placeAfter(block, counter)!;
      if (legal.length === 0) return block;
      block = [...block, random.pick(legal)];
    }
  };
  for (const requirement of drawn(25, 3)) {
    const block = fragmentsOf(needsCounter(requirement));
    const cases = casesFor(requirement);
    const results = await sandbox.run(
      programText([requirement], [block]),
      cases.map(({ input: { a, s } }) => ({ entry: "solve", args: JSON.stringify([a, s]) })),
    );
    const computes = interpret(block);
    for (const [i, { elements }] of cases.entries()) {
      const value = computes(elements);
      const shown = Number.isNaN(value) ? "\u0000NaN" : value; // as the sandbox writes it
      expect(results[i], block.join(" ")).toEqual({
        outcome: "returned",
        output: JSON.stringify([shown]),
      });
    }
  }
  await sandbox.close();
});

test("the tests tell the reference from every block that differs in one fragment and computes otherwise", () => {
  const fresh = drawn(20, 4);
  let told = 0;
  let same = 0;
  for (const requirement of fresh) {
    const cases = casesFor(requirement);
    expect(cases.length).toBeLessThan(100);
    for (const mutant of mutants(requirement)) {
      const block = interpret(mutant);
      if (cases.some(({ elements, expected }) => block(elements) !== expected)) told++;
      else same++;
    }
  }
  expect(told / (told + same)).toBeGreaterThan(0.97);
});

test("the reference is right, mal-rules are complete blocks", () => {
  for (const requirement of drawn(30, 5)) {
    const blocks = [
      referencePlan(requirement),
      ...Object.values(MAL_RULES).map((r) => r(requirement)),
    ];
    for (const block of blocks)
      expect(placeAfter(block, needsCounter(requirement))?.legal).toEqual([]);
    const right = interpret(blocks[0]!);
    for (const { elements, expected } of casesFor(requirement))
      expect(right(elements)).toBe(expected);
  }
});

test("bodies with one variable are all there, and the reference's is among the right ones", () => {
  expect(simpleBodies().length).toBe(8 + 2 * 6 * 11 * (8 + 8));
  for (const requirement of drawn(20, 6)) {
    const bodies = rightBodies(requirement).map((body) => body.join(" "));
    expect(bodies).toContain(referencePlan(requirement).slice(HEADER).join(" "));
  }
});

test("every listed body of a block with a counter is right", () => {
  const requirements = drawn(70, 7).filter(needsCounter);
  expect(requirements.length).toBeGreaterThan(20);
  for (const requirement of requirements)
    for (const body of writtenBodies(requirement))
      if (placeAfter(["r=0;", "0", "0", ...body], true)?.legal.length === 0)
        expect(rightBodies(requirement), body.join(" ")).toContainEqual(body);
});

test("no body makes up for a wrong initial value or bound", () => {
  for (const requirement of drawn(3, 8)
    .filter((r) => !needsCounter(r))
    .slice(0, 4)) {
    const reference = referencePlan(requirement);
    const cases = casesFor(requirement);
    for (const [at, choices] of [INITIALS, DIGITS, [...DIGITS, ...LENGTHS]].entries())
      for (const other of choices) {
        if (other === reference[at]) continue;
        if (at === 0 && rightInitials(requirement).includes(other)) continue;
        const header = reference.slice(0, HEADER).with(at, other);
        const saved = simpleBodies().some(({ statements }) => {
          const block = blockOf(header, statements);
          return cases.every(({ elements, expected }) => block(elements) === expected);
        });
        expect(saved, `${requirementText(requirement)}: ${header.join(" ")}`).toBe(false);
      }
  }
});

test("bodies of counter blocks that the list leaves out are hardly ever right", () => {
  const random = Random.from(9, "counter-sample");
  let tried = 0;
  let missed = 0;
  for (const requirement of drawn(60, 9).filter(needsCounter).slice(0, 12)) {
    const listed = new Set(rightBodies(requirement).map((body) => body.join(" ")));
    const header = referencePlan(requirement).slice(0, HEADER);
    const cases = casesFor(requirement);
    for (let i = 0; i < 1500; i++) {
      const body: string[] = [];
      for (;;) {
        const { legal } = placeAfter([...header, ...body], true)!;
        if (legal.length === 0) break;
        body.push(random.pick(legal));
      }
      const block = blockOf(header, readBody(body));
      const right = cases.every(({ elements, expected }) => block(elements) === expected);
      tried++;
      if (right && !listed.has(body.join(" "))) {
        missed++;
      }
    }
  }
  expect(missed / tried).toBeLessThan(1e-4);
});

test("a block can be finished until its first wrong fragment", () => {
  const [requirement] = initialState(
    codeTask([parseRequirement("count array after 3 to 7 least 5")], "two-results", "train").data,
  ).requirements;
  const can = (text: string): boolean => canBeFinished(text.split(" "), requirement!);
  expect(can("r=0; 4 8 if(x > 4")).toBe(true);
  expect(can("r=0; 4 8 if(x < 5 continue; r++;")).toBe(true);
  expect(can("r=0; 4 8 if(x < 5 r++;")).toBe(false);
  expect(can("r=0; 4 8 if(x > 5")).toBe(false);
  expect(can("r=0; 4 7")).toBe(false);
  expect(can("r=0; 3")).toBe(false);
  expect(can("r=1;")).toBe(false);
});
