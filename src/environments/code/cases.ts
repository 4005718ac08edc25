/** Test inputs: enough of them to tell the right block from every block that differs in one fragment. */
import { Random, hashText } from "../../util/random.js";
import { placeAfter } from "./fragments.js";
import { counterBodies, simpleBodies } from "./bodies.js";
import { type Block, blockOf, interpret } from "./interpret.js";
import { Memory } from "./memory.js";
import { HEADER, referencePlan } from "./plans.js";
import {
  DIGITS,
  INPUT_LENGTH,
  type Input,
  type Requirement,
  type Result,
  elementsOf,
  evaluate,
  isAboutPairs,
  lowerBound,
  needsCounter,
  requirementText,
  satisfies,
  upperBound,
} from "./requirement.js";

/** Inputs that every requirement is tested on, whatever they tell apart; more where each says one bit. */
const PLAIN_CASES = { numbers: 20, flags: 60 } as const;

/** Inputs that tests are chosen from. */
const POOL = 160;

/** One test of a requirement: an input, the elements its loop visits, and the right result. */
export interface Case {
  readonly input: Input;
  readonly elements: readonly number[];
  readonly expected: Result;
}

const memory = new Memory<readonly Case[]>(4096);

/**
 * The tests of a requirement, a function of its text.
 *
 * They are chosen by mutation: for every complete block that differs from the reference in one
 * fragment, and for other bodies (all of them where a block has one variable), the first of {@link POOL} inputs
 * that tells the two apart is a test. A block that none of them tells apart counts as another way of
 * writing the same.
 */
export function casesFor(requirement: Requirement): readonly Case[] {
  const text = requirementText(requirement);
  return memory.get(text, () => {
    const random = Random.from(hashText(text), "code-cases");
    const pool = Array.from({ length: POOL }, (): Case => {
      const input = drawInput(random, requirement);
      const elements = elementsOf(requirement.subject, input);
      return { input, elements, expected: evaluate(requirement, input) };
    });
    const { operation } = requirement;
    const isFlag = operation === "any" || operation === "all";
    const cases = pool.slice(0, isFlag ? PLAIN_CASES.flags : PLAIN_CASES.numbers);
    for (const block of wrongBlocks(requirement)) {
      const tells = ({ elements, expected }: Case): boolean => block(elements) !== expected;
      if (cases.some(tells)) continue;
      const found = pool.find(tells);
      if (found !== undefined) cases.push(found);
    }
    return cases;
  });
}

/** Blocks to tell from the reference; those that compute the same on the whole pool stay. */
function* wrongBlocks(requirement: Requirement): Iterable<Block> {
  for (const mutant of mutants(requirement)) yield interpret(mutant);
  const header = referencePlan(requirement).slice(0, HEADER);
  const bodies = needsCounter(requirement) ? counterBodies() : simpleBodies();
  for (const { statements } of bodies) yield blockOf(header, statements);
}

/** Every complete block that differs from the reference in exactly one fragment. */
export function mutants(requirement: Requirement): readonly (readonly string[])[] {
  const reference = referencePlan(requirement);
  const counter = needsCounter(requirement);
  return reference.flatMap((fragment, at) => {
    const { legal } = placeAfter(reference.slice(0, at), counter)!;
    return legal
      .filter((other) => other !== fragment)
      .map((other) => reference.with(at, other))
      .filter((block) => placeAfter(block, counter)?.legal.length === 0);
  });
}

/** An input on which rare things happen: at the edges of the range, or everywhere. */
function drawInput(random: Random, requirement: Requirement): Input {
  const { least, most } = INPUT_LENGTH;
  const length = least + random.below(most - least + 1);
  const elements =
    random.uniform() < 0.7 ? atEdges(random, requirement, length) : anywhere(random, length);
  const others = anywhere(random, length);
  switch (requirement.subject) {
    case "array":
      return { a: elements, s: others.join("") };
    case "text":
      return { a: others, s: elements.join("") };
    case "back":
      return { a: elements.toReversed(), s: others.join("") };
  }
}

const EVERY_DIGIT: readonly number[] = DIGITS.map(Number);

/** Digits of one kind: all, the low ones, the high ones, or mostly one of them. */
function anywhere(random: Random, length: number): readonly number[] {
  const pivot = random.below(10);
  const kinds = [EVERY_DIGIT, EVERY_DIGIT.slice(0, pivot + 1), EVERY_DIGIT.slice(pivot), [pivot]];
  const usual = random.pick(kinds);
  return Array.from({ length }, () => random.pick(random.uniform() < 0.9 ? usual : EVERY_DIGIT));
}

/**
 * Elements that meet the condition inside the range and not outside, or the other way round, with one
 * exception in half of the inputs, mostly at an edge.
 */
function atEdges(random: Random, requirement: Requirement, length: number): readonly number[] {
  const first = lowerBound(requirement);
  const { fromEnd, at } = upperBound(requirement);
  const last = fromEnd ? length + at : at;
  const inside = random.uniform() < 0.5;
  const share = random.pick([0, 0.5, 1]); // of the elements outside that are as those inside
  const wanted = Array.from({ length }, (_, i) =>
    i >= first && i < last ? inside : random.uniform() < share === inside,
  );
  if (random.uniform() < 0.5) {
    const edge = random.pick([first - 1, first, last - 1, last, random.below(length)]);
    if (edge >= 0 && edge < length) wanted[edge] = !wanted[edge];
  }
  const elements: number[] = [];
  const pairs = isAboutPairs(requirement);
  for (let i = 0; i < length; i++) {
    const before = elements.at(-1);
    const fitting = EVERY_DIGIT.filter((digit) =>
      pairs
        ? before === undefined || satisfies(requirement, before, digit) === wanted[i - 1]
        : satisfies(requirement, digit, undefined) === wanted[i],
    );
    elements.push(random.pick(fitting.length > 0 ? fitting : EVERY_DIGIT));
  }
  return elements;
}
