import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { checkEnvironment } from "../../assess/check-environment.js";
import type { Environment, Verdict } from "../environment.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { coqVersion } from "../proof/coq.js";
import { proof } from "../proof/proof.js";
import { coq, type CoqState, coqText, type CoqTheorem, theoremTask } from "./coq.js";
import { CoqProver } from "./prover.js";
import { ATTACKS } from "./testing.js";

const version = coqVersion();
const title = version ?? "SKIPPED: coqtop is not installed";

const P_OR_Q = "Theorem errata_goal (p q : Prop) (h0 : p) : p \\/ q.";

test("says early that Coq is missing", () => {
  const random = Random.from(0, "missing");
  const environment = coq({ executable: "no-such-coqtop" });
  expect(() => environment.draw({ split: "train", level: "few-forks", random })).toThrow(
    expect.objectContaining({ code: "COQ_MISSING" }),
  );
});

test("refuses an import that is no library", () => {
  expect(() => coqText({ imports: ["Lia. Drop"] })).toThrow(
    expect.objectContaining({ code: "COQ_LIBRARY" }),
  );
});

describe("a process that ends", () => {
  const folder = mkdtempSync(join(tmpdir(), "errata-coq-"));

  /** A stand-in that answers everything with one goal, and ends at a word. */
  function standIn(name: string, dies: string): string {
    const path = join(folder, name);
    const prompt = (n: string, open: string): string =>
      `printf '<prompt>t < %d |${open}| 0 < </prompt>' ${n}`;
    const lines = [
      "#!/bin/sh",
      dies === "" ? "exit 7" : "n=1",
      prompt("$n", ""),
      `while read -r line; do case "$line" in *${dies}*) exit 7;; esac; n=$((n+1))`,
      `printf '1 goal\n  \n  ====\n  True\n'; ${prompt("$n", "t")}; done`,
    ];
    writeFileSync(path, lines.join("\n"), { mode: 0o755 });
    return path;
  }

  test("is replaced, and the sentence that ends it again is refused", async () => {
    const coqtop = new CoqProver({ executable: standIn("dies", "crash") });
    expect(await coqtop.play("Theorem t : True.", ["auto.", "crash."])).toMatchObject({
      ok: false,
      fault: "died",
    });
    expect(await coqtop.play("Theorem t : True.", ["auto."])).toMatchObject({
      ok: true,
      proof: { first: { conclusion: "True" } },
    });
    expect(await coqtop.prove("Theorem t : True.", ["auto.", "crash."])).toMatchObject({
      proved: false,
    });
    coqtop.close();
  });

  test("before it ever starts is an error", async () => {
    const coqtop = new CoqProver({ executable: standIn("never", "") });
    await expect(coqtop.play("Theorem t : True.", [])).rejects.toMatchObject({ code: "COQ_START" });
  });
});

describe.skipIf(version === undefined)(`Coq (${title})`, () => {
  const provers: CoqProver[] = [];
  const prover = (options = {}): CoqProver => {
    const made = new CoqProver(options);
    provers.push(made);
    return made;
  };
  afterAll(() => provers.forEach((each) => each.close()));

  test("goes forward, back and sideways between states", async () => {
    const coqtop = prover();
    const left = await coqtop.play(P_OR_Q, ["left."]);
    expect(left).toMatchObject({ ok: true, proof: { open: 1, first: { conclusion: "p" } } });
    expect(await coqtop.play(P_OR_Q, ["right."])).toMatchObject({
      proof: { first: { conclusion: "q" } },
    });
    expect(await coqtop.play(P_OR_Q, ["left.", "exact h0."])).toMatchObject({
      proof: { finished: true },
    });
    expect(await coqtop.play(P_OR_Q, ["right.", "exact h0."])).toMatchObject({
      ok: false,
      fault: "error",
      message: expect.stringContaining('"h0" has type "p"') as string,
    });
    expect(await coqtop.prove(P_OR_Q, ["left.", "exact h0."])).toMatchObject({ proved: true });
    expect(await coqtop.prove(P_OR_Q, ["left."])).toMatchObject({ proved: false });
    // the theorem that was just proved is not left behind
    expect(await coqtop.play(P_OR_Q, ["exact (errata_goal p q h0)."])).toMatchObject({ ok: false });
  });

  test("lists every goal that a sentence opens, with its hypotheses", async () => {
    const played = await prover().play(
      "Theorem errata_goal (p q : Prop) (h0 : p \\/ q) : q \\/ p.",
      ["destruct h0 as [h1 | h2]."],
    );
    expect(played).toMatchObject({
      opened: [
        { hypotheses: [{ name: "p" }, { name: "q" }, { name: "h1", type: "p" }] },
        { hypotheses: [{ name: "p" }, { name: "q" }, { name: "h2", type: "q" }] },
      ],
    });
  });

  test("an axiom or a hole is no proof, even when Qed is fooled", async () => {
    const coqtop = prover({ imports: ["Classical"] });
    const statement = "Theorem errata_goal (p : Prop) : p \\/ ~ p.";
    expect(await coqtop.play(statement, ["exact (classic p)."])).toMatchObject({
      proof: { finished: true },
    });
    expect(await coqtop.prove(statement, ["exact (classic p)."])).toEqual({
      proved: false,
      message: expect.stringContaining("Axioms") as string,
    });
    // The prover checks no text, so this shows what Coq itself would say.
    expect(await coqtop.prove("Theorem errata_goal : False.", ["admit."])).toMatchObject({
      proved: false,
    });
  });

  test("a sentence that takes too long costs its process, and nothing else", async () => {
    const coqtop = prover({ tacticSeconds: 1 });
    const statement = "Theorem errata_goal : forall n m : nat, n + m = m + n.";
    expect(await coqtop.play(statement, ["intros n m; repeat symmetry."])).toMatchObject({
      ok: false,
      fault: "timeout",
    });
    expect(await coqtop.play(P_OR_Q, ["left."])).toMatchObject({ ok: true });
  });

  test("play at once is played one after the other", async () => {
    const coqtop = prover({ processes: 2 });
    const scripts = [["left."], ["right."], ["left.", "exact h0."], ["exact h0."]];
    const all = await Promise.all(scripts.map((script) => coqtop.play(P_OR_Q, script)));
    expect(all.map(({ ok }) => ok)).toEqual([true, true, true, false]);
  });

  test("no attack is sent, nor does one end well", async () => {
    const environment = coqText();
    const file = "/tmp/errata-attack";
    rmSync(file, { force: true });
    const task = theoremTask("coq-text", { id: "a", statement: "forall p q : Prop, p -> q" });
    for (const attack of ATTACKS) {
      for (const actions of [[attack], ["intros p q h0.", attack]]) {
        const verdict = await environment.judge(await playActions(environment, task, actions));
        expect(verdict, attack).toMatchObject({ correct: false, stop: "malformed" });
      }
    }
    expect(existsSync(file)).toBe(false);
  }, 20_000);

  test("an action of several lines is one sentence or none", async () => {
    expect(await attempt("forall p : Prop, p -> p", "intros p h.\nexact h.")).toMatchObject({
      stop: "malformed",
    });
    expect(await attempt("forall p : Prop, p -> p", " intros p h. ", "exact h.")).toMatchObject({
      correct: true,
      stop: "solved",
    });
  });

  test("finds the first refused sentence, and the first that loses a propositional goal", async () => {
    const refused = await attempt("forall n : nat, n = n", "intro n.", "exact I.", "reflexivity.");
    expect(refused).toMatchObject({
      stop: "rejected",
      firstError: { step: 1, evidence: "kernel", family: "type-mismatch" },
    });
    const environment = coq();
    const { verdict } = await play(environment, "left");
    expect(verdict).toMatchObject({
      correct: false,
      firstError: { evidence: "oracle", family: "wrong-disjunct" },
      signature: expect.stringMatching(/^wrong-disjunct-/) as string,
    });
  });

  test("plays theorems given as text, with their own proofs", async () => {
    const theorems: CoqTheorem[] = [
      {
        id: "add-0",
        statement: "forall n : nat, n + 0 = n",
        proof: [
          "intro n.",
          "induction n as [| n ih].",
          "reflexivity.",
          "simpl.",
          "now rewrite ih.",
        ],
        split: "train",
      },
      {
        id: "side-condition",
        statement: "forall n m : nat, m <= n -> n - m + m = n",
        proof: ["intros n m h.", "lia."],
        split: "test",
      },
    ];
    const result = await checkEnvironment(coqText({ theorems, imports: ["Lia"] }), {
      tasks: 10,
      seed: 0,
    });
    expect(result).toMatchObject({
      tasks: 2,
      referenceAccepted: 2,
      corrupted: 2,
      corruptedRejected: 2,
      failures: [],
    });
    const missing = theorems[1]!.statement.replace("m <= n -> ", "");
    expect(await attempt(missing, "intros n m.", "rewrite Nat.sub_add.")).toMatchObject({
      correct: false,
    });
  });

  test.each([coq(), coqText()])("$name is sound on drawn theorems", async (environment) => {
    const result = await checkEnvironment(environment, { tasks: 48, seed: 5 });
    expect(result).toMatchObject({ referenceAccepted: 48, corrupted: 48, corruptedRejected: 48 });
    expect(result.failures).toEqual([]);
  });

  test("agrees with the embedded kernel on what policies play", async () => {
    const environment = coq();
    const embedded = proof();
    const random = Random.from(11, "coq-agrees");
    let agreed = 0;
    let coqAlone = 0;
    for (let i = 0; i < 40; i++) {
      const level = environment.levels[i % 2]!;
      const task = environment.draw({ split: "train", level, random });
      const policy = ["noise", "apply", "exfalso", "mention"][i % 4]!;
      const played = await playProcedure(environment, task, policy, random);
      const verdict = await environment.judge(played);
      const actions = played.steps.map(({ action }) => action);
      const twin = { ...task, domain: "proof", data: (task.data as { sequent: string }).sequent };
      const ours = await embedded.judge(await playActions(embedded, twin, actions));
      if (ours.correct && !verdict.correct) throw new Error(`kernel alone: ${task.id}`);
      if (ours.correct === verdict.correct && ours.firstError?.step === verdict.firstError?.step)
        agreed++;
      else coqAlone++;
    }
    expect(agreed + coqAlone).toBe(40);
    expect(coqAlone).toBeLessThanOrEqual(4);
  });

  async function attempt(statement: string, ...actions: string[]): Promise<Verdict> {
    const environment = coqText();
    const task = theoremTask("coq-text", { id: "t", statement });
    return environment.judge(await playActions(environment, task, actions));
  }

  async function play(
    environment: Environment<CoqState>,
    policy: string,
  ): Promise<{ verdict: Verdict }> {
    const random = Random.from(2, "coq-play");
    const task = environment.draw({ split: "train", level: "few-forks", random });
    return {
      verdict: await environment.judge(await playProcedure(environment, task, policy, random)),
    };
  }
});
