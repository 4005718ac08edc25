/** What reads formulas, proofs and the actions of the built-in domains. */
import { parseExpression } from "../../src/environments/arithmetic/expression.js";
import { parseLevel } from "../../src/environments/arithmetic/level.js";
import { problemFromData, readProblem } from "../../src/environments/arithmetic/problem.js";
import { parseRequirement } from "../../src/environments/code/requirement.js";
import { parseGoal, parseInfix, parseProof } from "../../src/environments/coq/goal.js";
import { statementFault, tacticFault } from "../../src/environments/coq/sentence.js";
import type { Environment } from "../../src/environments/environment.js";
import { environment } from "../../src/environments/index.js";
import { parseStatement } from "../../src/environments/lean/minif2f.js";
import { leanCode, leanFault, leanSource } from "../../src/environments/lean/verifier.js";
import { proofLabels, verifyProof } from "../../src/environments/metamath/verify.js";
import { readDatabase } from "../../src/environments/metamath/read.js";
import { playActions } from "../../src/environments/play-procedure.js";
import * as proof from "../../src/environments/proof/sequent.js";
import { parseFormula } from "../../src/environments/proof/formula.js";
import * as rewriting from "../../src/environments/rewriting/sequent.js";
import { Random } from "../../src/util/random.js";
import type { Json } from "../../src/environments/environment.js";
import type { Parser } from "./parser.js";

const database = `
  $c 0 + = -> ( ) term wff |- $.
  $v t r s P Q $.
  tt $f term t $.  tr $f term r $.  ts $f term s $.  wp $f wff P $.  wq $f wff Q $.
  tze $a term 0 $.
  tpl $a term ( t + r ) $.
  weq $a wff t = r $.
  wim $a wff ( P -> Q ) $.
  a1 $a |- ( t = r -> ( t = s -> r = s ) ) $.
  a2 $a |- ( t + 0 ) = t $.
  \${ min $e |- P $.  maj $e |- ( P -> Q ) $.  mp $a |- Q $. $}
`;
const compressed = "( tze tpl weq a2 wim a1 mp ) ABCZADZAADZAEZJJKFLIAAGHH";
const normal =
  "tt tze tpl tt weq tt tt weq tt a2 tt tze tpl tt weq tt tze tpl tt weq tt tt weq wim tt a2 tt tze tpl tt tt a1 mp mp";
const theorem = (text: string): string =>
  `${database} $( A remark. $) th $p |- t = t $= ${text} $.`;

const leans: readonly string[] = [
  "norm_num [sq, Nat.succ] -- a remark\n/- and /- another -/ -/\nopen Nat in simp",
  'intro x; exact absurd "a text" h\nset_option maxHeartbeats 400 in\nnlinarith',
];

const coqs: readonly string[] = [
  "2 goals (ID 12)\n\n  p, q : Prop\n  H : p /\\ ~ q\n  ============================\n  p -> q \\/ False\n\ngoal 2 is:\n q",
  "No more goals.",
];

const text = (
  name: string,
  inputs: readonly string[],
  read: (input: string) => unknown,
): Parser => ({
  name,
  inputs,
  read,
});

/** Whatever a policy writes as an action is played and judged. */
function actions(name: string, made: Environment, share: number): Parser {
  const random = Random.from(0, name);
  const levels = made.levels;
  const tasks = Array.from({ length: 12 }, (_, i) =>
    made.draw({ split: "train", level: levels[i % levels.length]!, random }),
  );
  const known = made.lexicon?.symbols.slice(0, 40) ?? [];
  const inputs = [
    ...known,
    ...tasks.map((task) => {
      const turn = made.start(task);
      return made.procedures["correct"]!(turn.state, random);
    }),
    "norm_num",
    '{"name": "calculate", "arguments": {"expression": "1 + 2 * (3)"}}',
  ];
  let next = 0;
  return {
    name: `actions of ${name}`,
    inputs,
    share,
    read: async (input: string) => {
      const task = tasks[next++ % tasks.length]!;
      return made.judge(await playActions(made, task, [input, input]));
    },
  };
}

export function proofParsers(): Parser[] {
  const tables = ["arithmetic", "proof", "rewriting", "code", "support"];
  return [
    text("formula", ["-> p \\/ q r", "/\\ p False"], parseFormula),
    text("proof sequent", ["h0 -> p q h1 p |- \\/ q r"], (input) => {
      const sequent = proof.parseSequent(input);
      return [proof.sequentText(proof.canonicalSequent(sequent)), proof.sequentKey(sequent)];
    }),
    text("rewriting sequent", ["h0 <= b a h1 < 0 c |- <= + - a b b a"], (input) =>
      rewriting.sequentText(rewriting.parseSequent(input)),
    ),
    text("expression", ["3-(4-2)*5", "((1+2)*3)"], (input) => [
      parseExpression(input),
      parseExpression(input, { flat: true }),
    ]),
    text(
      "arithmetic task",
      ['{"kind":"addition","text":"375+904"}', '{"kind":"expressions","text":"3-(4-2)*5"}'],
      (input) => problemFromData(JSON.parse(jsonOr(input)) as Json),
    ),
    text("arithmetic problem", ["00+99", "3-(4-2)*5"], (input) => [
      readProblem("expressions", input),
      readProblem("addition", input),
    ]),
    text("arithmetic level", ["addition-4", "no-carry", "expressions"], (input) =>
      parseLevel(input, { kinds: ["addition", "expressions"], digits: 3 }),
    ),
    text(
      "requirement",
      ["count array after 3 to 7 least 5", "sum array start rest even"],
      parseRequirement,
    ),
    text("Coq's goals", coqs, (input) => [parseProof(input), parseGoal(input)]),
    text("Coq's formula", ["p -> q \\/ (~ r /\\ False)", "(p)"], parseInfix),
    text("Coq's tactic", ["intros H; apply H.", "try (split; auto)."], (input) => [
      tacticFault(input),
      statementFault(input),
    ]),
    text("Lean's proof", leans, (input) => [
      leanFault(input),
      leanCode(input),
      leanSource({ name: "t", header: "", statement: "theorem t : True" }, input),
    ]),
    text("Lean's theorem", ["import Mathlib\n\ntheorem t (x : ℕ) : x = x := by sorry\n"], (input) =>
      parseStatement(input, "t.lean"),
    ),
    {
      ...text("Metamath's database", [theorem(normal), theorem(compressed)], (input) => {
        const read = readDatabase(input);
        return read.theorems.map((each) => [
          verifyProof(read, each),
          proofLabels(read, each, 1000),
        ]);
      }),
      share: 2,
    },
    text("Metamath's proof", [normal, compressed], (input) => {
      const read = readDatabase(theorem(compressed));
      return verifyProof(read, read.theorems[0]!, input);
    }),
    ...tables.map((name) => actions(name, environment(name), name === "code" ? 0.2 : 1)),
  ];
}

/** A text that is no JSON as JSON. */
function jsonOr(input: string): string {
  try {
    JSON.parse(input);
    return input;
  } catch {
    return JSON.stringify(input);
  }
}
