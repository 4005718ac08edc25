import { expect, test } from "vitest";
import { cues } from "../testing/testing.js";
import { presets } from "../students/presets/presets.js";
import type { Environment } from "./environment.js";
import { ruleSignatures } from "./rule-signatures.js";

test("an error is known by what a domain calls it, not by the rule that makes it", async () => {
  const { environment, levels } = presets["proof"]!;
  expect((await ruleSignatures(environment(), levels)).toSorted()).toEqual([
    "premature-exfalso",
    "unreachable-premise",
    "wrong-disjunct-left",
    "wrong-disjunct-mentioned",
  ]);
});

test("where both have one name it is that", async () => {
  expect(await ruleSignatures(cues as Environment, ["long"])).toEqual(["always-x", "always-y"]);
});
