import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { LocalEngine } from "../local.js";
import { requireProvider, webgpuFault } from "./provider.js";
import { tinyPolicy } from "../testing.js";

const fault = await webgpuFault();

describe("the provider", () => {
  it("of the processor is always there", async () => {
    await expect(requireProvider("cpu")).resolves.toBeUndefined();
  });

  it.skipIf(fault === undefined)(
    "webgpu is refused, with the reason, without an adapter",
    async () => {
      const engine = new LocalEngine({ provider: "webgpu" });
      const request = { prompts: [[1]], maxTokens: 2, random: Random.from(1, "x") };
      await expect(engine.sample(tinyPolicy(), request)).rejects.toMatchObject({
        code: "ENGINE_PROVIDER",
        message: `engine.provider "webgpu": no usable GPU adapter (${fault})`,
        hint: expect.stringContaining('"cpu"'),
      });
    },
  );

  it.skipIf(fault !== undefined)("webgpu gives the processor's log-probabilities", async () => {
    const scored = [{ tokens: [1, 2, 3], targets: [{ position: 2, token: 4 }] }];
    const [gpu, cpu] = await Promise.all(
      (["webgpu", "cpu"] as const).map((provider) =>
        new LocalEngine({ provider }).logprobs(tinyPolicy(), scored),
      ),
    );
    expect(gpu![0]).toBeCloseTo(cpu![0]!, 3);
  });
});
