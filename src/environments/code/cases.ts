/** Test inputs: enough of them to tell the right block from every block that differs in one fragment. */
import { Random, hashText } from "../../random.js";
import { placeAfter } from "./fragments.js";
import { COUNTER_BODIES, SIMPLE_BODIES } from "./bodies.js";
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
  needsCounter,
  requirementText,
  satisfies,
} from "./requirement.js";

/** Inputs that every requirement is tested on, whatever they tell apart. */
const PLAIN_CASES = 20;

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
    const cases = pool.slice(0, PLAIN_CASES);
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
  const bodies = needsCounter(requirement) ? COUNTER_BODIES : SIMPLE_BODIES;
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

/** An input on which rare things happen: few or many elements meet the condition, or digits repeat. */
function drawInput(random: Random, requirement: Requirement): Input {
  const { least, most } = INPUT_LENGTH;
  const length = least + random.below(most - least + 1);
  const digit = digits(random, requirement);
  return {
    a: Array.from({ length }, digit),
    s: Array.from({ length }, digit).join(""),
  };
}

const EVERY_DIGIT: readonly number[] = DIGITS.map(Number);

function digits(random: Random, requirement: Requirement): () => number {
  const meeting = EVERY_DIGIT.filter((digit) => satisfies(requirement, digit, undefined));
  const others = EVERY_DIGIT.filter((digit) => !meeting.includes(digit));
  const favourite = random.below(10);
  const mostly = (usual: readonly number[], share: number): (() => number) =>
    usual.length === 0
      ? mostly(EVERY_DIGIT, 1)
      : () => random.pick(random.uniform() < share ? usual : EVERY_DIGIT);
  switch (random.below(7)) {
    case 0:
      return mostly(EVERY_DIGIT.slice(favourite), 1);
    case 1:
      return mostly(EVERY_DIGIT.slice(0, favourite + 1), 1);
    case 2:
      return mostly([favourite], 0.9);
    case 3:
      return mostly(meeting, 0.85);
    case 4:
      return mostly(others, 0.85);
    case 5:
      return mostly(EVERY_DIGIT, 1);
    default:
      return mostly(random.uniform() < 0.5 ? meeting : others, 1);
  }
}
