/** What executes the graphs: the processor, or a GPU through WebGPU. */
import * as ort from "onnxruntime-node";
import { ErrataError } from "../../util/error.js";
import { Graph } from "./graph.js";
import { add } from "./operations.js";

/**
 * `cpu`, or `webgpu`: ONNX Runtime's own WebGPU provider on the first adapter of Vulkan, Metal or
 * Direct3D 12. Operations it lacks run on the processor. Not verified on hardware yet.
 */
export type Provider = "cpu" | "webgpu";

/** How sessions are made. */
export interface SessionOptions {
  /** Threads of one operation. */
  readonly threads: number;
  readonly provider?: Provider;
  /** Memory that a run has used is kept for the next one. Default true. */
  readonly keepMemory?: boolean;
}

/** A session that runs `graph`. */
export async function createSession(
  graph: Graph,
  { threads, provider = "cpu", keepMemory = true }: SessionOptions,
): Promise<ort.InferenceSession> {
  if (provider !== "cpu") await requireProvider(provider);
  return ort.InferenceSession.create(graph.encode(), {
    executionProviders: provider === "cpu" ? ["cpu"] : [provider, "cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableCpuMemArena: keepMemory,
    enableMemPattern: keepMemory,
    // Threads that wait for work by spinning take the processor from whatever else runs on it.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
    graphOptimizationLevel: "all",
    logSeverityLevel: provider === "cpu" ? 3 : 4, // a missing adapter is reported below
  });
}

let probe: Promise<string | undefined> | undefined;

/** Why WebGPU cannot be used here, or undefined where it can: a small sum is computed with it. */
export function webgpuFault(): Promise<string | undefined> {
  probe ??= tryWebgpu();
  return probe;
}

async function tryWebgpu(): Promise<string | undefined> {
  if (!ort.listSupportedBackends().some(({ name }) => name === "webgpu"))
    return "this build of ONNX Runtime has no WebGPU provider";
  const graph = new Graph();
  const x = graph.input("x", "float32", [2]);
  graph.output("y", add(x, x));
  try {
    const session = await ort.InferenceSession.create(graph.encode(), {
      executionProviders: ["webgpu"],
      logSeverityLevel: 4,
    });
    const { y } = await session.run({ x: new ort.Tensor("float32", Float32Array.of(1, 2), [2]) });
    const sum = Array.from(y!.data as Float32Array);
    return sum.join() === "2,4" ? undefined : `1 + 1 and 2 + 2 gave ${sum.join(" and ")}`;
  } catch (cause) {
    const [message = ""] = String(cause).split("\n");
    return message.replace(/^.* was false\. /, "");
  }
}

/** @throws ErrataError `ENGINE_PROVIDER` where graphs cannot run on `provider`. */
export async function requireProvider(provider: Provider): Promise<void> {
  if (provider === "cpu") return;
  const fault = await webgpuFault();
  if (fault === undefined) return;
  throw new ErrataError(`engine.provider "webgpu": no usable GPU adapter (${fault})`, {
    code: "ENGINE_PROVIDER",
    hint: 'a driver for Vulkan, Metal or Direct3D 12 is needed; set engine.provider to "cpu" to go on without a GPU',
  });
}
