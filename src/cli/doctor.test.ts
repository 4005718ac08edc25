import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { platformFault } from "./doctor.js";

const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
const binaries = join(runtime, "bin", "napi-v6");

test("the platforms that doctor names are those that ONNX Runtime has a library for", () => {
  for (const system of readdirSync(binaries))
    for (const processor of readdirSync(join(binaries, system)))
      expect(platformFault(`${system}-${processor}`)).toBeUndefined();
  const { hint = "" } = platformFault("linux-riscv64")!;
  expect(hint.match(/(linux|darwin|win32)-/g)).toHaveLength(
    readdirSync(binaries).flatMap((system) => readdirSync(join(binaries, system))).length,
  );
});

test("a Mac with an Intel processor is told that there is none, and the way out", () => {
  expect(platformFault("darwin-x64")).toEqual({
    outcome: "fail",
    detail: "it has no library for darwin-x64",
    hint: expect.stringMatching(/in a container/) as string,
  });
});
