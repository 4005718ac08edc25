import { expect, test } from "vitest";
import { parseConfig } from "../../config/parse.js";
import { gateConfig } from "./gate-values.js";
import { protocolOf } from "../design/protocol.js";
import { studyNamed, studyNames } from "../design/studies.js";

test.each(studyNames)(
  "the gate of the study %s asks all of the domain's partners",
  async (name) => {
    const protocol = await protocolOf(studyNamed(name, "arithmetic"), { rates: {} });
    expect(gateConfig(protocol).partners).toEqual(parseConfig({ preset: "arithmetic" }).partners);
  },
);
