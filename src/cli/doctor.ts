import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { ErrataError } from "../util/error.js";
import { command } from "./command.js";
import { exitCodes } from "./exit-codes.js";
import { runsFolder } from "./runs.js";
import { paint, Terminal, type OutputOptions } from "./terminal.js";

type Outcome = "pass" | "warn" | "fail";

/** One line of the examination. */
interface Finding {
  readonly name: string;
  readonly outcome: Outcome;
  readonly detail: string;
  /** How to mend it. */
  readonly hint?: string;
}

/** What an examination found, but for its name. */
type Result = Omit<Finding, "name">;

/** `errata doctor`. */
export const doctorCommand: Command = command(
  "doctor",
  "examine this machine and say how to mend what is wrong",
  ["errata doctor", "errata doctor --json"],
).action(doctor);

const examinations: Readonly<Record<string, () => Result | Promise<Result>>> = {
  "Node.js": node,
  "ONNX Runtime": onnxRuntime,
  WebGPU: webgpu,
  SQLite: sqlite,
  machine,
  coqtop: coq,
  "prebuilt models": prebuilt,
  "model cache": cache,
  "runs folder": runs,
};

async function doctor(options: OutputOptions): Promise<void> {
  const terminal = new Terminal(options);
  const findings: Finding[] = [];
  for (const [name, examine] of Object.entries(examinations)) {
    const finding = { name, ...(await examined(examine)) };
    findings.push(finding);
    if (!terminal.json) print(terminal, finding);
  }
  const failed = findings.some((f) => f.outcome === "fail");
  terminal.result({ healthy: !failed, findings });
  if (failed) process.exitCode = exitCodes.failed;
}

/** An examination that throws has found a fault. */
async function examined(examine: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await examine();
  } catch (error) {
    const detail = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    const hint = error instanceof ErrataError ? error.hint : undefined;
    return { outcome: "fail", detail, ...(hint === undefined ? {} : { hint }) };
  }
}

function print(terminal: Terminal, { name, outcome, detail, hint }: Finding): void {
  const colour = { pass: paint.green, warn: paint.yellow, fail: paint.red }[outcome];
  terminal.print(`${colour(outcome)}  ${name.padEnd(15)}  ${detail}`);
  if (hint !== undefined) terminal.print(`      ${" ".repeat(15)}  ${hint}`);
}

function node(): Result {
  const manifest = new URL("../../package.json", import.meta.url);
  const { engines } = JSON.parse(readFileSync(manifest, "utf8")) as { engines: { node: string } };
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = engines.node.replace(/^\D+/, "").split(".").map(Number);
  const enough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const detail = `${process.versions.node} on ${process.platform}-${process.arch}`;
  if (enough) return { outcome: "pass", detail };
  return { outcome: "fail", detail, hint: `install Node ${engines.node}` };
}

/** What ONNX Runtime comes with a library for, as Node names platforms. */
const platforms = ["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"];

/** Says that there is no ONNX Runtime for a platform, or nothing where there is. */
export function platformFault(platform: string): Result | undefined {
  if (platforms.includes(platform)) return undefined;
  const mac =
    platform === "darwin-x64" ? " (on a Mac with an Intel processor: in a container)" : "";
  return {
    outcome: "fail",
    detail: `it has no library for ${platform}`,
    hint: `run Errata on one of ${platforms.join(", ")}${mac}`,
  };
}

/** Multiplies [[1, 2], [3, 4]] by itself. */
async function onnxRuntime(): Promise<Result> {
  const fault = platformFault(`${process.platform}-${process.arch}`);
  if (fault !== undefined) return fault;
  const hint =
    "install again (npm ci in a clone); on Linux its library needs glibc: Alpine and other musl systems lack it";
  try {
    const ort = await import("onnxruntime-node");
    const { encodeModel } = await import("../engine/graph/onnx.js");
    const matrix = { type: "float32", shape: [2, 2] } as const;
    const bytes = encodeModel({
      nodes: [
        { operator: "MatMul", domain: "", inputs: ["x", "x"], outputs: ["y"], attributes: {} },
      ],
      inputs: [{ name: "x", ...matrix }],
      outputs: [{ name: "y", ...matrix }],
      constants: [],
    });
    const session = await ort.InferenceSession.create(bytes);
    const x = new ort.Tensor("float32", Float32Array.of(1, 2, 3, 4), [2, 2]);
    const { y } = await session.run({ x });
    const product = [...(y!.data as Float32Array)].join();
    if (product !== "7,10,15,22")
      return { outcome: "fail", detail: `a wrong product: ${product}`, hint };
    const version = ort.env.versions.node ?? "";
    return { outcome: "pass", detail: `${version} multiplies`.trim() };
  } catch (error) {
    return {
      outcome: "fail",
      detail: error instanceof Error ? error.message : String(error),
      hint,
    };
  }
}

/**
 * Whether `engine.provider` can be `webgpu`, which nothing needs. Asked in a process of its own, for
 * drivers write to stderr and may crash.
 */
function webgpu(): Result {
  const provider = new URL("../engine/graph/provider.js", import.meta.url).href;
  const code = `const { webgpuFault } = await import(${JSON.stringify(provider)});
    process.stdout.write(JSON.stringify({ fault: await webgpuFault() }));`;
  const probe = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 60_000,
  });
  const { fault } =
    probe.status === 0
      ? (JSON.parse(probe.stdout) as { fault?: string })
      : { fault: `the probe ended with ${probe.signal ?? probe.status}` };
  return {
    outcome: "pass",
    detail:
      fault === undefined
        ? "usable: engine.provider=webgpu, not verified on hardware yet"
        : `not usable, engine.provider stays cpu: ${fault}`,
  };
}

async function sqlite(): Promise<Result> {
  const { Corpus } = await import("../mistakes/corpus/corpus.js");
  Corpus.open(":memory:").close();
  const builtIn = process.getBuiltinModule("node:sqlite") !== undefined;
  return { outcome: "pass", detail: builtIn ? "built into Node" : "@photostructure/sqlite" };
}

function machine(): Result {
  const gibibytes = totalmem() / 2 ** 30;
  const detail = `${availableParallelism()} cores, ${gibibytes.toFixed(1)} GiB of memory`;
  if (availableParallelism() < 2)
    return {
      outcome: "warn",
      detail,
      hint: "errata demo trains two students at once: it takes twice as long here",
    };
  if (gibibytes < 2)
    return { outcome: "warn", detail, hint: "training may run out of memory: lower tasksPerStep" };
  return { outcome: "pass", detail };
}

async function coq(): Promise<Result> {
  const { coqVersion } = await import("../environments/proof/coq.js");
  const version = coqVersion();
  if (version !== undefined) return { outcome: "pass", detail: version };
  return {
    outcome: "warn",
    detail: "not found; only comparing proofs with Coq's word needs it",
    hint: "Debian and Ubuntu: apt-get install coq",
  };
}

/** How many of all presets' models are at hand, and the presets that lack some. */
async function modelsAtHand(
  isThere: (file: string) => boolean,
): Promise<{ found: number; all: number; lacking: string[] }> {
  const [{ presets }, { modelFile }] = await Promise.all([
    import("../students/presets/presets.js"),
    import("../students/models.js"),
  ]);
  let [found, all] = [0, 0];
  const lacking = new Set<string>();
  for (const preset of Object.values(presets))
    for (const recipe of [preset.student, ...Object.values(preset.partners)]) {
      all++;
      if (isThere(await modelFile(preset.environment(), recipe))) found++;
      else lacking.add(preset.name);
    }
  return { found, all, lacking: [...lacking] };
}

async function prebuilt(): Promise<Result> {
  const { prebuiltModel } = await import("../students/prebuilt.js");
  const { found, all, lacking } = await modelsAtHand((file) => prebuiltModel(file) !== undefined);
  const detail = `${found} of ${all}`;
  if (lacking.length === 0) return { outcome: "pass", detail };
  return {
    outcome: "warn",
    detail,
    hint: `the first run of ${lacking.join(", ")} trains what is missing, unless it is in the cache`,
  };
}

async function cache(): Promise<Result> {
  const { cacheFolder } = await import("../util/cache-folder.js");
  const folder = resolve(cacheFolder());
  const { found } = await modelsAtHand((file) => existsSync(join(folder, file)));
  if (writable(folder)) return { outcome: "pass", detail: `${folder}, ${found} models` };
  return {
    outcome: "fail",
    detail: `${folder} cannot be written`,
    hint: "set ERRATA_CACHE to a folder that can",
  };
}

function runs(): Result {
  const folder = resolve(runsFolder);
  if (writable(folder)) return { outcome: "pass", detail: folder };
  return {
    outcome: "fail",
    detail: `${folder} cannot be written`,
    hint: "change to a folder that can",
  };
}

/** Whether a file can be made in `folder`, which need not exist yet. */
function writable(folder: string): boolean {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK);
    rmSync(mkdtempSync(join(existing, ".errata-")), { recursive: true });
    return true;
  } catch {
    return false;
  }
}
