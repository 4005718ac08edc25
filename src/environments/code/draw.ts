/** Levels, splits, and how tasks of them are drawn. */
import { ErrataError } from "../../util/error.js";
import { type Random, hashText } from "../../util/random.js";
import type { Split, Task } from "../environment.js";
import { HEADER, MAL_RULES, referencePlan } from "./plans.js";
import {
  COMPARISONS,
  ENDS,
  OPERATIONS,
  PROPERTIES,
  type Requirement,
  STARTS,
  SUBJECTS,
  familyOf,
  isAboutPairs,
  isComparison,
  lowerBound,
  requirementText,
  upperBound,
} from "./requirement.js";

export interface Level {
  readonly name: string;
  /** Results that a program returns. */
  readonly requirements: number;
  /** Fewest bounds at which writing the number as given is wrong; at least one is right so. */
  readonly forks: number;
  /** Whether its families are those that no other level draws. */
  readonly heldOut: boolean;
}

/** Easiest first; the last one measures transfer. */
export const LEVELS: readonly Level[] = [
  { name: "two-results", requirements: 2, forks: 2, heldOut: false },
  { name: "three-results", requirements: 3, forks: 4, heldOut: false },
  { name: "held-out-families", requirements: 2, forks: 2, heldOut: true },
];

/** Families of the level `held-out-families` only; each operation and each subject occurs elsewhere. */
export const HELD_OUT_FAMILIES: ReadonlySet<string> = new Set([
  "max-text",
  "first-back",
  "all-back",
  "run-text",
  "sum-back",
  "reach-text",
]);

/** Share of requirements in `validation` and in `test`, in percent. */
const HELD_OUT_PERCENT = 10;

/** The split of a requirement: by a hash of its text, so that no two splits share one. */
export function splitOf(requirement: Requirement): Split {
  const bucket = hashText(requirementText(requirement)) % 100;
  if (bucket < HELD_OUT_PERCENT) return "test";
  return bucket < 2 * HELD_OUT_PERCENT ? "validation" : "train";
}

/**
 * Draws a task all of whose requirements belong to the split.
 *
 * Of its bounds at least `forks` are wrong when written as given and at least one is right so, and
 * always going one further is wrong somewhere: no constant way of writing bounds solves a task.
 * @throws ErrataError `ENVIRONMENT_LEVEL` on an unknown level.
 */
export function drawTask(options: {
  readonly split: Split;
  readonly level: string;
  readonly random: Random;
}): Task {
  const { split, random } = options;
  const level = LEVELS.find(({ name }) => name === options.level);
  if (level === undefined) {
    throw new ErrataError(`code has no level "${options.level}"`, {
      code: "ENVIRONMENT_LEVEL",
      hint: `use one of ${LEVELS.map(({ name }) => name).join(", ")}`,
    });
  }
  for (;;) {
    const texts = new Map<string, Requirement>();
    while (texts.size < level.requirements) {
      const requirement = drawRequirement(random);
      if (HELD_OUT_FAMILIES.has(familyOf(requirement)) !== level.heldOut) continue;
      if (splitOf(requirement) === split) texts.set(requirementText(requirement), requirement);
    }
    const requirements = [...texts.values()];
    if (!isForked(requirements, level)) continue;
    return codeTask(requirements, level.name, split);
  }
}

/** The task of a list of requirements. */
export function codeTask(requirements: readonly Requirement[], level: string, split: Split): Task {
  const data = requirements.map(requirementText);
  return { id: data.join("; "), domain: "code", level, split, data };
}

function isForked(requirements: readonly Requirement[], { forks }: Level): boolean {
  const wrongBounds = (rule: string): number =>
    requirements.reduce((total, requirement) => {
      const right = referencePlan(requirement);
      const plan = MAL_RULES[rule]!(requirement);
      return total + [1, 2].filter((at) => at < HEADER && plan[at] !== right[at]).length;
    }, 0);
  const copied = wrongBounds("off-by-one");
  return copied >= forks && copied < 2 * requirements.length && wrongBounds("fence-post") > 0;
}

/** Shortest range, in elements. */
const SHORTEST = 3;

/** Latest first index, so that ranges to the end are not short either. */
const LATEST_START = 5;

/** Latest end that one digit can write. */
const LATEST_END = 9;

function drawRequirement(random: Random): Requirement {
  for (;;) {
    const operation = random.pick(OPERATIONS);
    const word = random.pick(conditionsOf(operation));
    const requirement: Requirement = {
      operation,
      subject: random.pick(SUBJECTS),
      start: numbered(random.pick(STARTS), "start", random),
      end: numbered(random.pick(ENDS), "rest", random),
      condition: { word, number: isComparison(word) ? 2 + random.below(6) : 0 },
    };
    if (isSensible(requirement)) return requirement;
  }
}

/** The conditions that make sense of an operation: what they select is neither everything nor one value. */
function conditionsOf(
  operation: Requirement["operation"],
): readonly Requirement["condition"]["word"][] {
  const comparisons = COMPARISONS.filter((word) => word !== "is");
  switch (operation) {
    case "reach":
      return ["more", "least"];
    case "max":
    case "min":
      return [...comparisons, "even", "odd", "each"];
    case "sum":
      return [...comparisons, ...PROPERTIES];
    case "all":
      return [...COMPARISONS, "even", "odd", "repeats"];
    default:
      return [...COMPARISONS, ...PROPERTIES.filter((word) => word !== "each")];
  }
}

function numbered<W extends string>(
  word: W,
  numberless: string,
  random: Random,
): { readonly word: W; readonly number: number } {
  return { word, number: word === numberless ? 0 : random.below(10) };
}

/**
 * Whether the range is one of indices that every input has, and long enough. A condition on pairs
 * does not go to the end: past it JavaScript compares with `undefined`, which is false, and a bound
 * one too far would often be right.
 */
function isSensible(requirement: Requirement): boolean {
  if (requirement.end.word === "rest" && isAboutPairs(requirement)) return false;
  const first = lowerBound(requirement);
  const { fromEnd, at } = upperBound(requirement);
  if (first < 0 || first > LATEST_START || at > LATEST_END) return false;
  return fromEnd || at - first >= SHORTEST;
}
