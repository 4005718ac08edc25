import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { commandFault, isProofComplete, type TacticResponse } from "./messages.js";
import { LeanRepl } from "./repl.js";
import { configuredLean, KiminaVerifier, leanFault, ReplVerifier } from "./verifier.js";

const FAKE = fileURLToPath(new URL("fake-repl.mjs", import.meta.url));

const closing: { close(): void }[] = [];
const folder = mkdtempSync(join(tmpdir(), "errata-lean-"));
afterEach(() => {
  for (const each of closing.splice(0)) each.close();
  rmSync(join(folder, "log"), { force: true });
});

function repl(timeoutSeconds = 10): LeanRepl {
  const made = new LeanRepl({ command: ["node", FAKE], timeoutSeconds });
  closing.push(made);
  return made;
}

describe("a finished proof", () => {
  const done: TacticResponse = { proofStatus: "Completed", proofState: 1, goals: [] };

  test("is Completed, without goals and errors", () => {
    expect(isProofComplete(done)).toBe(true);
  });

  // each from test/*.expected.out of leanprover-community/repl, or one field away from it
  test.each<[string, TacticResponse]>([
    [
      "no goals, but an error and a sorry (invalid_tactic)",
      {
        proofStatus: "Incomplete: contains sorry",
        proofState: 1,
        messages: [
          {
            severity: "error",
            pos: { line: 0, column: 0 },
            endPos: { line: 0, column: 0 },
            data: "Unknown identifier `my_fake_premise`",
          },
        ],
        goals: [],
      },
    ],
    [
      "no goals, but a sorry (tactic_mode_sorry)",
      {
        sorries: [{ proofState: 1, goal: "⊢ Nat" }],
        proofStatus: "Incomplete: contains sorry",
        proofState: 2,
        goals: [],
      },
    ],
    [
      "no goals, but the kernel refuses",
      {
        proofStatus: "Error: kernel type check failed: (kernel) declaration type mismatch",
        proofState: 1,
        goals: [],
      },
    ],
    ["no word on the status, as from old versions", { proofState: 2, goals: [] }],
    [
      "completed with an error",
      { ...done, messages: [{ severity: "error", pos: { line: 1, column: 0 }, data: "x" }] },
    ],
    ["completed with goals", { ...done, goals: ["⊢ False"] }],
    ["completed with a sorry", { ...done, sorries: [{ goal: "⊢ False" }] }],
  ])("is not: %s", (_, response) => {
    expect(isProofComplete(response)).toBe(false);
  });
});

describe("the REPL", () => {
  test("answers commands and tactics in order, however the answers arrive", async () => {
    const lean = repl();
    const [first, second] = await Promise.all([
      lean.command("def f := 2"),
      lean.command("theorem my_theorem (x : Nat) : x = x := by sorry", 0),
    ]);
    expect(first).toEqual({ env: 0 });
    expect(second).toMatchObject({ env: 1, sorries: [{ proofState: 0 }] });
    const failed = await lean.tactic("exact my_fake_premise", 0);
    expect(failed.goals).toEqual([]);
    expect(isProofComplete(failed)).toBe(false);
    // going back is asking from an older number again
    expect(isProofComplete(await lean.tactic("rfl", 0))).toBe(true);
    expect(isProofComplete(await lean.tactic("skip", 0))).toBe(false);
  });

  test("what it cannot carry out is an error", async () => {
    await expect(repl().command("def f := 2", 7)).rejects.toMatchObject({
      code: "LEAN_REPL",
      message: expect.stringContaining("Unknown environment.") as string,
    });
  });

  test("starts anew after its death, and says so", async () => {
    const lean = repl();
    await lean.command("def f := 2");
    expect(lean.generation).toBe(1);
    await expect(lean.command("DIE")).rejects.toMatchObject({ code: "LEAN_DIED" });
    expect(await lean.command("def f := 2")).toEqual({ env: 0 });
    expect(lean.generation).toBe(2);
  });

  test.each([
    ["HANG", "LEAN_TIMEOUT", 3],
    ["GARBAGE", "LEAN_PROTOCOL", 60],
  ])("%s: %s, and the next answer is not mixed up", async (cmd, code, seconds) => {
    const lean = repl(seconds);
    await expect(lean.command(cmd)).rejects.toMatchObject({ code });
    expect(await lean.command("def f := 2")).toEqual({ env: 0 });
  });

  test("is missed with a hint", async () => {
    const lean = new LeanRepl({ command: ["no-such-lean"] });
    await expect(lean.command("def f := 2")).rejects.toMatchObject({
      code: "LEAN_MISSING",
      hint: expect.stringContaining("ERRATA_LEAN_REPL") as string,
    });
  });
});

const STATEMENT = {
  name: "t",
  header: "import Mathlib\nopen Nat",
  statement: "theorem t (x : Nat) :\n  x = x",
};

describe("whole proofs through the REPL", () => {
  function verifier(): ReplVerifier {
    const made = new ReplVerifier({ command: ["node", FAKE, join(folder, "log")] });
    closing.push(made);
    return made;
  }

  test("are accepted without errors and foreign axioms", async () => {
    const lean = verifier();
    expect(await lean.verify(STATEMENT, "rfl")).toEqual({ accepted: true, message: "" });
    expect(await lean.verify(STATEMENT, "classical\nrfl")).toMatchObject({ accepted: true });
    const sent = readFileSync(join(folder, "log"), "utf8").trim().split("\n");
    expect(sent).toHaveLength(3); // the header once
    expect(JSON.parse(sent[1]!)).toEqual({
      cmd: `${STATEMENT.statement} := by\n  rfl\n\n#print axioms t`,
      env: 0,
    });
  });

  test("are refused with the line of the first error", async () => {
    expect(await verifier().verify(STATEMENT, "intro y\nexact wrong_lemma")).toEqual({
      accepted: false,
      message: "Unknown identifier `wrong_lemma`",
      line: 1,
    });
  });

  test.each([
    ["a foreign axiom", "by_cheating", "cheat"],
    ["words that look like Lean's", `trace "'t' does not depend on any axioms"`, "axioms"],
  ])("are refused for %s", async (_, proof, says) => {
    expect(await verifier().verify(STATEMENT, proof)).toMatchObject({
      accepted: false,
      message: expect.stringContaining(says) as string,
    });
  });

  test("a command without its list of axioms proves nothing", () => {
    expect(commandFault({ env: 1 }, "t")).toContain("axioms");
    const sorry = {
      severity: "warning",
      pos: { line: 1, column: 8 },
      data: "declaration uses `sorry`",
    };
    expect(commandFault({ env: 1, messages: [sorry as never] }, "t")).toContain("sorry");
  });
});

test.each([
  "sorry",
  "exact sorry",
  "admit",
  "exact (sorryAx _)",
  "native_decide",
  "rfl\n#eval 1",
  "rfl\naxiom cheat : False",
  "rfl\n\ntheorem u : False := cheat",
  "rfl\nend\nnamespace X",
  "run_tac do IO.println 1",
  "simp [show 1 = 1 from by run_cmd foo]",
  "@[simp] rfl",
  "exact «my axiom»",
  "rfl\nlocal macro_rules | `(x) => `(y)",
  "exact Lean.ofReduceBool _ _ rfl",
  "",
  "x".repeat(20_001),
])("refuses to send %j", (proof) => {
  expect(leanFault(proof)).toEqual(expect.any(String));
});

test.each([
  "rfl",
  "nlinarith [sq_nonneg (a - b)]",
  "constructor <;> intro h\n· exact h.1\n· omega",
])("sends %j", (proof) => {
  expect(leanFault(proof)).toBeUndefined();
});

describe("a Kimina server", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  interface Seen {
    readonly url: string | undefined;
    readonly key: string | undefined;
    readonly body: { codes: { custom_id: string; proof: string }[]; timeout: number };
  }

  async function serve(
    answer: (id: string) => unknown,
    status = 200,
  ): Promise<{ url: string; seen: Seen[] }> {
    const seen: Seen[] = [];
    const made = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const body = JSON.parse(text) as Seen["body"];
        seen.push({ url: request.url, key: request.headers.authorization, body });
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(answer(body.codes[0]!.custom_id)));
      });
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, seen };
  }

  const axioms = (data: string): object => ({
    severity: "info",
    pos: { line: 6, column: 0 },
    data,
  });
  const free = axioms("'t' does not depend on any axioms");

  test("gets the whole text and is believed", async () => {
    const { url, seen } = await serve((id) => ({
      results: [{ custom_id: id, response: { messages: [free], time: 0.5 } }],
    }));
    const lean = new KiminaVerifier({ url, apiKey: "secret", timeoutSeconds: 7 });
    expect(await lean.verify(STATEMENT, "rfl")).toEqual({ accepted: true, message: "" });
    expect(seen[0]).toMatchObject({ url: "/verify", key: "Bearer secret", body: { timeout: 7 } });
    expect(seen[0]!.body.codes[0]!.proof).toBe(
      `${STATEMENT.header}\n\n${STATEMENT.statement} := by\n  rfl\n\n#print axioms t`,
    );
  });

  test.each<[string, object, object]>([
    [
      "an error of the server",
      { error: "Lean REPL command timed out in 7 seconds" },
      { message: expect.stringContaining("timed out") },
    ],
    [
      "an error of the REPL",
      { response: { message: "Unknown environment.", time: 1 } },
      { message: "Unknown environment." },
    ],
    ["no response", {}, { message: expect.any(String) }],
    ["an empty response", { response: {} }, { message: expect.stringContaining("axioms") }],
    [
      "a sorry",
      { response: { sorries: [{ goal: "⊢ False" }], messages: [free] } },
      { message: expect.stringContaining("sorry") },
    ],
    [
      "an error message",
      {
        response: {
          messages: [{ severity: "error", pos: { line: 6, column: 2 }, data: "omega could not" }],
        },
      },
      { message: "omega could not", line: 0 },
    ],
  ])("is believed when it reports %s", async (_, result, verdict) => {
    const { url } = await serve((id) => ({ results: [{ custom_id: id, ...result }] }));
    const said = await new KiminaVerifier({ url }).verify(STATEMENT, "omega");
    expect(said).toMatchObject({ accepted: false, ...verdict });
  });

  test.each<[string, string, string | Buffer]>([
    ["no JSON", "LEAN_PROTOCOL", "<html>Bad gateway</html>"],
    ["half of its JSON", "LEAN_PROTOCOL", '{"results": ['],
    ["nothing", "LEAN_PROTOCOL", ""],
    ["more than any proof's messages", "LEAN_PROTOCOL", Buffer.alloc(17 * 2 ** 20, " ")],
  ])("that answers with %s is an error that names it", async (_, code, text) => {
    const made = createServer((request, response) => {
      request.resume().on("end", () => response.end(text));
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
    await expect(new KiminaVerifier({ url }).verify(STATEMENT, "rfl")).rejects.toMatchObject({
      code,
      message: expect.stringContaining(url) as string,
    });
  });

  test("that breaks off its answer is an error that says so", async () => {
    const made = createServer((request, response) => {
      request.resume().on("end", () => {
        response.writeHead(200, { "content-length": 100 });
        response.write("{", () => response.destroy());
      });
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
    await expect(new KiminaVerifier({ url }).verify(STATEMENT, "rfl")).rejects.toMatchObject({
      code: "LEAN_MISSING",
    });
  });

  test("that answers something else is an error, as is none", async () => {
    const other = await serve(() => ({ results: [{ custom_id: "other", response: {} }] }));
    await expect(new KiminaVerifier(other).verify(STATEMENT, "rfl")).rejects.toMatchObject({
      code: "LEAN_PROTOCOL",
    });
    server?.close();
    const refused = await serve(() => ({ detail: "Invalid API key" }), 401);
    await expect(new KiminaVerifier(refused).verify(STATEMENT, "rfl")).rejects.toMatchObject({
      code: "LEAN_PROTOCOL",
      message: expect.stringContaining("401") as string,
    });
    const nobody = new KiminaVerifier({ url: "http://127.0.0.1:9" });
    await expect(nobody.verify(STATEMENT, "rfl")).rejects.toMatchObject({ code: "LEAN_MISSING" });
  });
});

describe("words that are refused in a proof", () => {
  test.each([
    ["a comment to the end of the line", "-- no sorry, no axiom here\nrfl"],
    ["a comment within the line", "/- by an example /- nested: #eval -/ of this section -/ rfl"],
    ["a text", 'exact absurd "open the end" h'],
    ["a mark of quotation as a character", "exact foo '\"' h -- \" sorry"],
    ["open for one tactic", "open Nat Real in\n  simp"],
    ["an option for one tactic", "set_option maxRecDepth 2000 in\n  decide"],
    ["a prime in a name", "exact h'.symm"],
  ])("may stand in %s", (_name, proof) => {
    expect(leanFault(proof)).toBeUndefined();
  });

  test.each([
    ["behind a comment", "-- fine\nsorry"],
    ["behind a closed comment", "/- fine -/ sorry"],
    ["behind a comment that only seems to go on", "/- /- -/ -/ sorry -/"],
    ["behind a text", 'exact "x" sorry'],
    ["behind an escaped mark", String.raw`exact "\"" sorry`],
    ["in an interpolated text", 'exact s!"{sorry}"'],
    ["behind a raw text", String.raw`exact r"\" sorry "`],
    ["in a comment that is not closed", "/- sorry"],
    ["open for all that follows", "open Nat\nsimp"],
    ["an option that is not among the harmless", "set_option debug.skipKernelTC true in rfl"],
    ["behind a character", "exact '\"' sorry '\"'"],
  ])("are refused %s", (_name, proof) => {
    expect(leanFault(proof)).toEqual(expect.any(String));
  });
});

test("is configured by the process's environment", () => {
  expect(configuredLean({})).toBeUndefined();
  expect(configuredLean({ ERRATA_LEAN_REPL: "lake env repl" })).toBeInstanceOf(ReplVerifier);
  expect(configuredLean({ ERRATA_KIMINA: "http://localhost" })).toBeInstanceOf(KiminaVerifier);
});
