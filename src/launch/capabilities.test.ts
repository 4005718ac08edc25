import { expect, test } from "vitest";
import { parseConfig } from "../config/parse.js";
import { LocalEngine } from "../engine/local.js";
import type { Environment } from "../environments/environment.js";
import { cues } from "../testing/testing.js";
import { withinCapabilities } from "./capabilities.js";

const none = { embeddings: false, steeredSampling: false, degradations: [], rollback: false };
const environment = cues as Environment;

test("an engine that can do everything changes nothing, and nothing is said", () => {
  const config = parseConfig({ contrast: { mode: "full" }, selfPlay: { share: 0.5 } });
  const { capabilities } = new LocalEngine();
  expect(withinCapabilities(config, capabilities, environment)).toEqual({ config, notices: [] });
});

test("what an engine cannot do is replaced by what it can, and the log says what and why", () => {
  const asked = parseConfig({
    contrast: { mode: "full" },
    selfPlay: { share: 0.5, operators: ["noise", "truncation", "layers"] },
  });
  const { config, notices } = withinCapabilities(asked, none, environment);
  expect(config.explore.form).toBe("rejection");
  expect(config.contrast.mode).toBe("logprob");
  expect(config.selfPlay.operators).toEqual(["truncation"]);
  for (const said of ["explore.form", "by their text", "contrast.mode", "selfPlay", "last save"])
    expect(notices.some((notice) => notice.includes(said))).toBe(true);
});

test("a partner that no engine is needed to spoil takes the place of all that are", () => {
  const asked = parseConfig({ selfPlay: { share: 0.5, operators: ["noise", "layers"] } });
  const { config } = withinCapabilities(asked, none, environment);
  expect(config.selfPlay.operators).toEqual(["temperature"]);
});
