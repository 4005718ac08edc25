/** The block that a requirement asks for, and the blocks that systematic wrong methods write. */
import { CLOSE, CONTINUE, ELSE, NEXT, placeAfter } from "./fragments.js";
import { type Requirement, lowerBound, upperBound, needsCounter } from "./requirement.js";

/** A whole block, fragment by fragment. */
export type Plan = readonly string[];

/** Opener, operator and operand. */
type Condition = readonly [string, string, string];

const NEGATED: Readonly<Record<string, string>> = {
  ">": "<=",
  ">=": "<",
  "<": ">=",
  "<=": ">",
  "==": "!=",
  "!=": "==",
};

/** The condition as it is usually written. */
function conditionOf({
  operation,
  condition: { word, number },
}: Requirement): Condition | undefined {
  const opener = operation === "reach" ? "if(c" : "if(x";
  switch (word) {
    case "more":
      return [opener, ">", String(number)];
    case "least":
      return [opener, ">=", String(number)];
    case "less":
      return [opener, "<", String(number)];
    case "most":
      return [opener, "<=", String(number)];
    case "is":
      return [opener, "==", String(number)];
    case "not":
      return [opener, "!=", String(number)];
    case "even":
      return ["if(x%2", "==", "0"];
    case "odd":
      return ["if(x%2", "==", "1"];
    case "rises":
      return ["if(x", "<", NEXT];
    case "falls":
      return ["if(x", ">", NEXT];
    case "repeats":
      return ["if(x", "==", NEXT];
    case "each":
      return undefined;
  }
}

/** The same condition in the other way of writing it, or in this one where there is no other. */
function shifted([opener, operator, operand]: Condition): Condition {
  if (operand === NEXT || opener === "if(x%2") return [opener, operator, operand];
  const value = Number(operand);
  switch (operator) {
    case ">":
      return [opener, ">=", String(value + 1)];
    case ">=":
      return [opener, ">", String(value - 1)];
    case "<":
      return [opener, "<=", String(value - 1)];
    case "<=":
      return [opener, "<", String(value + 1)];
    default:
      return [opener, operator, operand];
  }
}

const negated = ([opener, operator, operand]: Condition): Condition => [
  opener,
  NEGATED[operator]!,
  operand,
];

const UPDATES: Readonly<Record<Requirement["operation"], string>> = {
  count: "r++;",
  sum: "r+=x;",
  max: "r=max(r,x);",
  min: "r=min(r,x);",
  first: "r=i;break;",
  last: "r=i;",
  any: "r=true;",
  all: "r=false;",
  run: "c++;",
  reach: "r++;",
};

/** The value that each result starts from. */
export function initialOf({ operation }: Requirement): string {
  switch (operation) {
    case "max":
    case "first":
    case "last":
      return "r=-1;";
    case "min":
      return "r=99;";
    case "any":
      return "r=false;";
    case "all":
      return "r=true;";
    default:
      return "r=0;";
  }
}

/** The end of the loop as it is written: a digit, `n` or `n-1`. */
export function endOf(requirement: Requirement): string {
  const { fromEnd, at } = upperBound(requirement);
  if (!fromEnd) return String(at);
  return at === 0 ? "n" : "n-1";
}

/**
 * The body as the reference writes it. Conditions are turned round where the reference skips what
 * does not count (`sum`, `max`, `min`) or looks for a counterexample (`all`).
 */
export function bodyOf(requirement: Requirement): Plan {
  return bodyWith(requirement, conditionOf(requirement), false);
}

/** The body around a condition; `flipped` has every turned condition the wrong way round. */
function bodyWith(
  { operation }: Requirement,
  condition: Condition | undefined,
  flipped: boolean,
): Plan {
  const update = UPDATES[operation];
  if (condition === undefined) return [update];
  const turned = flipped ? condition : negated(condition);
  switch (operation) {
    case "sum":
    case "max":
    case "min":
      return [...turned, CONTINUE, update];
    case "all":
      return [...turned, update];
    case "run":
      return [...condition, update, ELSE, "c=0;", "r=max(r,c);", CLOSE];
    case "reach":
      return ["c+=x;", ...condition, update, CLOSE];
    default:
      return [...condition, update];
  }
}

/** The block that the reference writes. */
export function referencePlan(requirement: Requirement): Plan {
  return [
    initialOf(requirement),
    String(lowerBound(requirement)),
    endOf(requirement),
    ...bodyOf(requirement),
  ];
}

/**
 * Right bodies of a requirement with a counter, known by hand; the bodies of the others are few
 * enough to be found by trying them all (`completions.ts`).
 */
export function writtenBodies(requirement: Requirement): readonly Plan[] {
  const base = conditionOf(requirement)!;
  return [base, shifted(base)].flatMap((condition): Plan[] => {
    const opposite = negated(condition);
    if (requirement.operation === "reach") {
      return [
        ["c+=x;", ...condition, "r++;", CLOSE],
        ["c+=x;", ...opposite, CONTINUE, "r++;", CLOSE],
        ["c+=x;", ...opposite, CONTINUE, ELSE, "r++;", CLOSE],
      ];
    }
    return [
      [...condition, "c++;", ELSE, "c=0;", "r=max(r,c);", CLOSE],
      [...opposite, "c=0;", ELSE, "c++;", "r=max(r,c);", CLOSE],
      ["c++;", ...opposite, "c=0;", "r=max(r,c);", CLOSE],
      ["c++;", ...opposite, "c=0;", ELSE, "r=max(r,c);", CLOSE],
    ];
  });
}

/** A systematic wrong method: the block it writes for a requirement. */
export type MalRule = (requirement: Requirement) => Plan;

/**
 * After the families of real weak models' programs (repair theory's deletions, Brown & VanLehn
 * 1980). Each does as the reference does where it has nothing to get wrong.
 *
 *     off-by-one       writes the numbers of the range as they are given: `to 7` is `i < 7`
 *     fence-post       always goes one further than the number given
 *     wrong-comparison forgets equality: `least 5` is `> 5`, `most 5` is `< 5`
 *     wrong-initial    every number starts at 0, every flag at true
 *     missing-update   leaves out the counter's reset or its sum
 *     flipped-boolean  does not turn the condition round where it should
 *     wrong-order      uses the counter before it changes it
 */
export const MAL_RULES: Readonly<Record<string, MalRule>> = {
  "off-by-one": (requirement) => {
    const { start, end } = requirement;
    const last = end.word === "rest" ? "n" : String(end.number);
    return withBounds(requirement, String(start.number), last);
  },
  "fence-post": (requirement) => {
    const { end } = requirement;
    const last = end.word === "rest" ? "n" : String(Math.min(9, end.number + 1));
    return withBounds(requirement, String(lowerBound(requirement)), last);
  },
  "wrong-comparison": (requirement) => {
    const { condition } = requirement;
    if (condition.word !== "least" && condition.word !== "most") return referencePlan(requirement);
    const word = condition.word === "least" ? "more" : "less";
    return withBody(requirement, bodyOf({ ...requirement, condition: { ...condition, word } }));
  },
  "wrong-initial": (requirement) => {
    const [initial, ...rest] = referencePlan(requirement);
    const flag = initial === "r=true;" || initial === "r=false;";
    return [flag ? "r=true;" : "r=0;", ...rest];
  },
  "missing-update": (requirement) => {
    const condition = conditionOf(requirement);
    if (requirement.operation === "run")
      return withBody(requirement, [...condition!, "c++;", "r=max(r,c);", CLOSE]);
    if (requirement.operation === "reach")
      return withBody(requirement, [...condition!, "r++;", CLOSE]);
    return referencePlan(requirement);
  },
  "flipped-boolean": (requirement) =>
    withBody(requirement, bodyWith(requirement, conditionOf(requirement), true)),
  "wrong-order": (requirement) => {
    const condition = conditionOf(requirement);
    if (requirement.operation === "run")
      return withBody(requirement, ["r=max(r,c);", ...condition!, "c++;", ELSE, "c=0;", CLOSE]);
    if (requirement.operation === "reach")
      return withBody(requirement, [...condition!, "r++;", "c+=x;", CLOSE]);
    return referencePlan(requirement);
  },
};

function withBounds(requirement: Requirement, first: string, last: string): Plan {
  return [initialOf(requirement), first, last, ...bodyOf(requirement)];
}

function withBody(requirement: Requirement, body: Plan): Plan {
  return [...referencePlan(requirement).slice(0, HEADER), ...body];
}

/** Fragments before the body: initial value, start, end. */
export const HEADER = 3;

/**
 * What the writer of a plan writes next at a block already begun.
 *
 * The initial value and the bounds are written whatever stands before them. In the body the plan is
 * followed as long as the block agrees with it, then the first of `others` that agrees; a block that
 * agrees with none is ended as fast as the grammar allows.
 */
export function nextFragment(
  fragments: readonly string[],
  requirement: Requirement,
  plan: Plan,
  others: () => readonly Plan[],
): string {
  const at = fragments.length;
  if (at < HEADER) return plan[at]!;
  const written = fragments.slice(HEADER);
  const agrees = (body: Plan): boolean =>
    body.length > written.length && written.every((fragment, i) => fragment === body[i]);
  const own = plan.slice(HEADER);
  const body = agrees(own) ? own : others().find(agrees);
  if (body !== undefined) return body[written.length]!;
  const legal = placeAfter(fragments, needsCounter(requirement))?.legal ?? [];
  const planned = own[written.length];
  if (planned !== undefined && legal.includes(planned)) return planned;
  return legal.includes(CLOSE) ? CLOSE : (legal[0] ?? CLOSE);
}
