import { existsSync } from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readDatabase, readDatabaseFile } from "./read.js";
import { proofLabels, verifyProof, type ProofFault } from "./verify.js";

/** The book's example: t = t, from t + 0 = t. */
const DEMO = `
  $( a comment with $f words $)
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

const NORMAL = `tt tze tpl tt weq tt tt weq tt a2 tt tze tpl tt weq tt tze tpl tt weq tt tt
  weq wim tt a2 tt tze tpl tt tt a1 mp mp`;

/** The same with the two repeated parts saved. */
const COMPRESSED = "( tze tpl weq a2 wim a1 mp ) ABCZADZAADZAEZJJKFLIAAGHH";

/** Distinct variables: a law of predicates about an x that does not occur in P. */
const DISTINCT = `
  $c wff setvar |- A. ( ) -> $.
  $v x y P Q $.
  vx $f setvar x $.  vy $f setvar y $.  wp $f wff P $.  wq $f wff Q $.
  wal $a wff A. x P $.
  wim $a wff ( P -> Q ) $.
  \${ $d x P $.  ax5 $a |- ( P -> A. x P ) $. $}
`;

function verify(database: string, theorem: string, proof: string): ProofFault | undefined {
  const read = readDatabase(`${database} th $p ${theorem} $= ${proof} $.`);
  return verifyProof(read, read.theorems.at(-1)!);
}

const TH = "|- t = t";

describe("a right proof", () => {
  test("is accepted, normal and compressed", () => {
    expect(verify(DEMO, TH, NORMAL)).toBeUndefined();
    expect(verify(DEMO, TH, COMPRESSED)).toBeUndefined();
  });

  test("says the same with every saved part written out", () => {
    const read = readDatabase(`${DEMO} th $p ${TH} $= ${COMPRESSED} $.`);
    expect(proofLabels(read, read.theorems[0]!, 100)).toEqual(NORMAL.split(/\s+/));
    expect(proofLabels(read, read.theorems[0]!, 30)).toBeUndefined();
  });
});

describe("a wrong proof", () => {
  const labels = NORMAL.split(/\s+/);

  test.each([
    ["unknown-label", labels.with(3, "nothing"), { step: 3, label: "nothing" }],
    ["inactive-label", labels.with(3, "min"), { step: 3, label: "min" }],
    ["inactive-label", labels.with(3, "th"), { step: 3, label: "th" }],
    ["stack-underflow", ["tpl", ...labels], { step: 0, label: "tpl" }],
    ["type-mismatch", labels.with(0, "wp"), { step: 2, label: "tpl", found: "wff P" }],
    [
      "hypothesis-mismatch",
      "wp wp tt a2 tt a2 mp".split(" "),
      { step: 6, label: "mp", expected: "|- P", found: "|- ( t + 0 ) = t" },
    ],
    ["unfinished", labels.slice(0, -1), { step: 33, label: "" }],
    ["unfinished", [], { step: 0 }],
    ["incomplete", labels.with(5, "?"), { step: 5 }],
    [
      "wrong-conclusion",
      ["tt", "a2"],
      { step: 2, expected: "|- t = t", found: "|- ( t + 0 ) = t" },
    ],
  ])("%s", (family, proof, at) => {
    expect(verify(DEMO, TH, proof.join(" "))).toMatchObject({ theorem: "th", family, ...at });
  });

  test.each([
    ["malformed", "( tze tpl ABC"],
    ["malformed", "( tze tpl ) A!B"],
    ["malformed", "( tze tpl ) ZA"],
    ["malformed", "( tze tpl ) ABCU"],
    ["malformed", "( tze tpl ) ABYYYYA"],
    ["malformed", "( tt tze ) ABC"],
    ["incomplete", "( tze tpl ) AB?"],
    ["unknown-label", "( tze nothing ) ABC"],
  ])("%s, compressed: %s", (family, proof) => {
    expect(verify(DEMO, TH, proof)).toMatchObject({ family });
  });

  test("any one label changed: accepted only where the result is the same", () => {
    const read = readDatabase(`${DEMO} th $p ${TH} $= ${NORMAL} $.`);
    const theorem = read.theorems[0]!;
    const all = [...read.statements.keys()].filter((label) => label !== "th");
    let accepted = 0;
    for (const [i, label] of labels.entries())
      for (const other of all)
        if (
          other !== label &&
          verifyProof(read, theorem, labels.with(i, other).join(" ")) === undefined
        )
          accepted++;
    expect(accepted).toBe(0);
  });
});

describe("side conditions ($d)", () => {
  test("a proof that keeps them is accepted", () => {
    expect(verify(`${DISTINCT} $d x Q $.`, "|- ( Q -> A. x Q )", "vx wq ax5")).toBeUndefined();
    expect(
      verify(`${DISTINCT} $d x y P $.`, "|- ( A. y P -> A. x A. y P )", "vx vy wp wal ax5"),
    ).toBeUndefined();
  });

  test.each([
    ["not declared", "", "|- ( Q -> A. x Q )", "vx wq ax5", "$d x Q"],
    ["declared of others", "$d y Q $.", "|- ( Q -> A. x Q )", "vx wq ax5", "$d x Q"],
    [
      "declared of one of two",
      "$d x P $.",
      "|- ( A. y P -> A. x A. y P )",
      "vx vy wp wal ax5",
      "$d x y",
    ],
    [
      "the same variable twice",
      "$d x P $.",
      "|- ( A. x P -> A. x A. x P )",
      "vx vx wp wal ax5",
      "both get x",
    ],
  ])("%s: missing-side-condition", (_, distinct, theorem, proof, says) => {
    expect(verify(`${DISTINCT} ${distinct}`, theorem, proof)).toMatchObject({
      family: "missing-side-condition",
      label: "ax5",
      message: expect.stringContaining(says) as string,
    });
  });

  test("a $d ends with its block", () => {
    expect(verify(`${DISTINCT} \${ $d x Q $. $}`, "|- ( Q -> A. x Q )", "vx wq ax5")).toMatchObject(
      { family: "missing-side-condition" },
    );
  });
});

describe("reading", () => {
  test.each([
    ["an undeclared symbol", "$c a $. x $a a b $."],
    ["a variable without type", "$c a $. $v v $. x $a a v $."],
    ["a symbol declared twice", "$c a a $."],
    ["$c in a block", "${ $c a $. $}"],
    ["a label taken", "$c a $. x $a a $. x $a a $."],
    ["a label that is a symbol", "$c a $. a $a a $."],
    ["a label that is none", "$c a $. x! $a a $."],
    ["no label", "$c a $. $a a $."],
    ["a label too many", "$c a $. x $c b $."],
    ["a label and nothing", "$c a $. x"],
    ["an open block", "${ $v x $."],
    ["a block closed twice", "$}"],
    ["an open comment", "$( and so on"],
    ["an open statement", "$c a b"],
    ["a comment closed twice", "$)"],
    ["$d of one", "$v x $. $d x $."],
    ["$d of the same", "$v x $. $d x x $."],
    ["two types", "$c a b $. $v x $. f $f a x $. g $f b x $."],
    ["a statement without constant", "$c a $. $v x $. f $f a x $. y $a x $."],
    ["an unknown keyword", "$q"],
  ])("%s is refused with the line", (_, text) => {
    expect(() => readDatabase(`\n${text}`, { name: "small.mm" })).toThrow(
      expect.objectContaining({
        code: "METAMATH_SYNTAX",
        message: expect.stringMatching(/^small\.mm, line \d+: /) as string,
      }),
    );
  });

  test("variables end with their block and may come again", () => {
    const text = "$c a b $. ${ $v x $. f $f a x $. $} ${ $v x $. g $f b x $. y $a b x $. $}";
    expect(readDatabase(text).statements.size).toBe(3);
  });

  test("includes files beside it, once, and none elsewhere", () => {
    const folder = mkdtempSync(join(tmpdir(), "errata-mm-"));
    try {
      writeFileSync(join(folder, "base.mm"), "$c a $.");
      writeFileSync(join(folder, "main.mm"), "$[ base.mm $] $[ base.mm $] x $a a $.");
      writeFileSync(join(folder, "bad.mm"), "$[ ../../etc/passwd $]");
      expect(readDatabaseFile(join(folder, "main.mm")).statements.size).toBe(1);
      expect(() => readDatabaseFile(join(folder, "bad.mm"))).toThrow(
        expect.objectContaining({ code: "METAMATH_INCLUDE" }),
      );
      expect(() => readDatabase("$[ base.mm $]")).toThrow(
        expect.objectContaining({ code: "METAMATH_INCLUDE" }),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const SET = "/usr/share/metamath/databases/set.mm";
const there = existsSync(SET);

describe.skipIf(!there)(
  `set.mm${there ? "" : " (SKIPPED: Debian's metamath-databases is not installed)"}`,
  () => {
    test("every 20th proof is right, and wrong with a step left out", { timeout: 60_000 }, () => {
      const database = readDatabaseFile(SET);
      expect(database.theorems.length).toBeGreaterThan(30_000);
      const faults: (ProofFault | undefined)[] = [];
      let refused = 0;
      let broken = 0;
      for (let i = 0; i < database.theorems.length; i += 20) {
        const theorem = database.theorems[i]!;
        const fault = verifyProof(database, theorem);
        if (fault !== undefined) faults.push(fault);
        const end = theorem.proof.indexOf(")");
        if (end < 0 || i % 200 !== 0) continue;
        const letters = theorem.proof.slice(end + 1).replace(/\s/g, "");
        if (letters.length < 3) continue;
        broken++;
        if (
          verifyProof(database, theorem, `${theorem.proof.slice(0, end + 1)} ${letters.slice(1)}`)
        )
          refused++;
      }
      expect(faults).toEqual([]);
      expect(refused).toBe(broken);
      expect(broken).toBeGreaterThan(100);
    });
  },
);
