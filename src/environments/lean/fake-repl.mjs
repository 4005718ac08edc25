// A stand-in for the Lean REPL: speaks its protocol, knows a few answers by heart.
// The shapes are those of leanprover-community/repl, test/*.expected.out.
import { appendFileSync } from "node:fs";

const log = process.argv[2];
const at = (line, column) => ({ line, column });
const message = (severity, data, line = 1) => ({
  severity,
  pos: at(line, 0),
  endPos: at(line, 5),
  data,
});
let env = 0;
let buffer = "";

process.stdin.setEncoding("utf8").on("data", (chunk) => {
  buffer += chunk;
  for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
    const request = JSON.parse(buffer.slice(0, end));
    buffer = buffer.slice(end + 2);
    if (log !== undefined) appendFileSync(log, `${JSON.stringify(request)}\n`);
    answer(request);
  }
});

function send(json) {
  const text = `${JSON.stringify(json, null, 1)}\n\n`;
  // in two parts, as a pipe may deliver it
  process.stdout.write(text.slice(0, 7));
  setTimeout(() => process.stdout.write(text.slice(7)), 5);
}

function answer({ cmd, tactic, env: before, proofState }) {
  if (cmd?.includes("DIE")) process.exit(3);
  if (cmd?.includes("HANG")) return;
  if (cmd?.includes("GARBAGE")) return void process.stdout.write("Killed\n\n");
  if (before !== undefined && before > env) return send({ message: "Unknown environment." });
  if (cmd !== undefined) {
    const sorries = cmd.includes("sorry")
      ? [{ proofState: 0, pos: at(1, 43), goal: "x : Nat\n⊢ x = x", endPos: at(1, 48) }]
      : undefined;
    const messages = [];
    if (sorries) messages.push(message("warning", "declaration uses `sorry`"));
    const lines = cmd.split("\n");
    const bad = lines.findIndex((line) => line.includes("wrong_lemma"));
    if (bad >= 0) messages.push(message("error", "Unknown identifier `wrong_lemma`", bad + 1));
    const says = /trace "(.*)"/.exec(cmd);
    if (says) messages.push(message("info", says[1]));
    const name = /#print axioms (\S+)/.exec(cmd)?.[1];
    if (name && bad < 0)
      messages.push(
        message(
          "info",
          cmd.includes("by_cheating")
            ? `'${name}' depends on axioms: [propext,\n cheat]`
            : cmd.includes("classical")
              ? `'${name}' depends on axioms: [propext, Classical.choice, Quot.sound]`
              : `'${name}' does not depend on any axioms`,
          lines.length,
        ),
      );
    return send({
      ...(sorries && { sorries }),
      ...(messages.length > 0 && { messages }),
      env: env++,
    });
  }
  const next = proofState + 1;
  if (tactic === "rfl") return send({ proofStatus: "Completed", proofState: next, goals: [] });
  if (tactic === "exact my_fake_premise")
    return send({
      proofStatus: "Incomplete: contains sorry",
      proofState: next,
      messages: [{ ...message("error", "Unknown identifier `my_fake_premise`", 0) }],
      goals: [],
    });
  return send({ proofStatus: "Incomplete: open goals remain", proofState: next, goals: ["⊢ Nat"] });
}
