import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkEnvironment } from "../../assess/check-environment.js";
import { playActions } from "../play-procedure.js";
import { metamath } from "./metamath.js";

/** Enough of propositional logic and of distinct variables for a few theorems of both levels. */
const SMALL = `
  $c ( ) -> wff |- A. setvar $.
  $v P Q R x $.
  wp $f wff P $. wq $f wff Q $. wr $f wff R $. vx $f setvar x $.
  wi $a wff ( P -> Q ) $.
  wal $a wff A. x P $.
  ax1 $a |- ( P -> ( Q -> P ) ) $.
  ax2 $a |- ( ( P -> ( Q -> R ) ) -> ( ( P -> Q ) -> ( P -> R ) ) ) $.
  \${ min $e |- P $. maj $e |- ( P -> Q ) $. mp $a |- Q $. $}
  \${ $d x P $. ax5 $a |- ( P -> A. x P ) $. $}
  \${ a1i.1 $e |- P $. a1i $p |- ( Q -> P ) $= wp wq wp wi a1i.1 wp wq ax1 mp $. $}
  id $p |- ( P -> P ) $= wp wp wp wi wi wp wp wi wp wp ax1 wp wp wp wi wp wi wi wp wp wp wi
    wi wp wp wi wi wp wp wp wi ax1 wp wp wp wi wp ax2 mp mp $.
  \${ $d x Q $. gen $p |- ( Q -> A. x Q ) $= wq vx ax5 $. $}
`;

const folder = mkdtempSync(join(tmpdir(), "errata-metamath-"));
const file = join(folder, "small.mm");
writeFileSync(file, SMALL);
const environment = metamath({ file });

test("every proof of a database is accepted, and refused when a label is changed", async () => {
  const result = await checkEnvironment(environment, { tasks: 10, seed: 0 });
  expect(result).toMatchObject({
    tasks: 3,
    referenceAccepted: 3,
    corrupted: 3,
    corruptedRejected: 3,
    failures: [],
  });
});

test("shows the hypotheses, the theorem and the stack", () => {
  const task = (["train", "validation", "test"] as const)
    .flatMap((split) => environment.tasks!(split))
    .find(({ id }) => id === "a1i")!;
  let turn = environment.start(task);
  for (const label of ["wp", "wq"]) turn = environment.step(turn.state, label) as typeof turn;
  expect(turn.observation.split("\n")).toEqual([
    "wp: wff P",
    "wq: wff Q",
    "a1i.1: |- P",
    "prove |- ( Q -> P )",
    "stack:",
    "wff P",
    "wff Q",
  ]);
});

test.each([
  ["missing-side-condition", "a1i", "wp vx ax5"],
  ["unknown-label", "a1i", "wp lia"],
  ["stack-underflow", "a1i", "mp"],
  ["incomplete", "a1i", "wp ?"],
  ["no-progress", "a1i", "wp wq"],
])("%s", async (family, id, actions) => {
  const task = { id, domain: "metamath", level: "short", split: "train", data: id } as const;
  const labels = actions.split(" ");
  const verdict = await environment.judge(await playActions(environment, task, labels));
  expect(verdict).toMatchObject({
    correct: false,
    firstError: { family, step: labels.length - 1 },
  });
});

test("a database that is not there is named with how to get one", () => {
  expect(() => metamath({ file: "/no/such.mm" }).tasks!("train")).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_DATA" }),
  );
});
