/** Every differentiable operation against central finite differences, run by ONNX Runtime. */
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { Graph, type Tensor } from "./graph.js";
import * as op from "./operations.js";

type Build = (graph: Graph, inputs: Tensor[]) => Tensor;

interface Case {
  readonly name: string;
  readonly shapes: number[][];
  /** Named dimensions in place of numbers, to exercise run-time shapes. */
  readonly named?: (number | string)[][];
  readonly build: Build;
  /** Maps a standard normal draw to an input value, to stay off kinks and poles. */
  readonly domain?: (z: number) => number;
}

const positive = (z: number): number => 0.5 + Math.abs(z);

const cases: Case[] = [
  { name: "add, broadcast over rows", shapes: [[3, 4], [4]], build: (_, [a, b]) => op.add(a!, b!) },
  {
    name: "add, broadcast over an inner axis",
    shapes: [
      [2, 1, 3],
      [2, 4, 1],
    ],
    build: (_, [a, b]) => op.add(a!, b!),
  },
  {
    name: "subtract",
    shapes: [
      [3, 4],
      [3, 1],
    ],
    build: (_, [a, b]) => op.subtract(a!, b!),
  },
  { name: "multiply", shapes: [[3, 4], [4]], build: (_, [a, b]) => op.multiply(a!, b!) },
  { name: "multiply by itself", shapes: [[3]], build: (_, [a]) => op.multiply(a!, a!) },
  {
    name: "divide",
    shapes: [
      [3, 4],
      [3, 1],
    ],
    domain: positive,
    build: (_, [a, b]) => op.divide(a!, b!),
  },
  { name: "minimum", shapes: [[9], [9]], build: (_, [a, b]) => op.minimum(a!, b!) },
  {
    name: "clamp",
    shapes: [[12]],
    build: (g, [a]) => op.clamp(op.scale(a!, 2), g.float(-1), g.float(1)),
  },
  { name: "negate", shapes: [[5]], build: (_, [a]) => op.negate(a!) },
  { name: "exp", shapes: [[5]], build: (_, [a]) => op.exp(a!) },
  { name: "log", shapes: [[5]], domain: positive, build: (_, [a]) => op.log(a!) },
  { name: "sqrt", shapes: [[5]], domain: positive, build: (_, [a]) => op.sqrt(a!) },
  { name: "sigmoid", shapes: [[5]], build: (_, [a]) => op.sigmoid(a!) },
  { name: "silu", shapes: [[2, 5]], build: (_, [a]) => op.silu(a!) },
  { name: "sum over all", shapes: [[2, 3]], build: (_, [a]) => op.sum(op.multiply(a!, a!)) },
  { name: "sum over an axis", shapes: [[2, 3, 4]], build: (_, [a]) => op.sum(a!, [1]) },
  { name: "sum, dimension kept", shapes: [[2, 3]], build: (_, [a]) => op.sum(a!, [1], true) },
  { name: "reshape", shapes: [[2, 6]], build: (_, [a]) => op.reshape(a!, [3, 4]) },
  {
    name: "reshape at run time",
    shapes: [[6, 4]],
    named: [["N", 4]],
    build: (_, [a]) => op.reshape(a!, ["M", 8]),
  },
  { name: "transpose", shapes: [[2, 3, 4]], build: (_, [a]) => op.transpose(a!, [2, 0, 1]) },
  { name: "softmax", shapes: [[3, 5]], build: (_, [a]) => op.softmax(a!) },
  { name: "logSoftmax", shapes: [[3, 5]], build: (_, [a]) => op.logSoftmax(a!) },
  { name: "rmsNorm", shapes: [[3, 6], [6]], build: (_, [a, b]) => op.rmsNorm(a!, b!, 1e-5) },
  {
    name: "gatherRows, repeated rows",
    shapes: [[4, 3]],
    build: (g, [a]) => op.gatherRows(a!, g.integers([2, 0, 2, 3])),
  },
  {
    name: "pick, a repeated pair and two of one row",
    shapes: [[3, 5]],
    build: (g, [a]) => op.pick(a!, op.reshape(g.integers([2, 4, 0, 0, 2, 4, 0, 3]), [4, 2])),
  },
  {
    name: "rotary",
    shapes: [[2, 3, 4, 6]],
    build: (g, [a]) => {
      const angles = Array.from({ length: 5 * 3 }, (_, i) => i * 0.37);
      return op.rotary(
        a!,
        g.integers([1]),
        g.float(angles.map(Math.cos), [5, 3]),
        g.float(angles.map(Math.sin), [5, 3]),
      );
    },
  },
  ...[false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB): Case[] => [
      {
        name: `matmul ${transposeA ? "a^T" : "a"} ${transposeB ? "b^T" : "b"}`,
        shapes: [transposeA ? [4, 3] : [3, 4], transposeB ? [5, 4] : [4, 5]],
        build: (_, [a, b]) => op.matmul(a!, b!, { transposeA, transposeB, alpha: 0.7 }),
      },
      {
        name: `matmul, batch broadcast, ${transposeA ? "a^T" : "a"} ${transposeB ? "b^T" : "b"}`,
        shapes: [
          [1, 2, ...(transposeA ? [4, 3] : [3, 4])],
          [3, 1, ...(transposeB ? [5, 4] : [4, 5])],
        ],
        build: (_, [a, b]) => op.matmul(a!, b!, { transposeA, transposeB }),
      },
    ]),
  ),
];

describe("vector-Jacobian products agree with finite differences", () => {
  it.each(cases)("$name", async ({ shapes, named, build, domain = (z) => z }) => {
    const random = Random.from(7, "finite-differences");
    const graph = new Graph();
    const inputs = shapes.map((shape, i) => graph.input(`x${i}`, "float32", named?.[i] ?? shape));
    const y = build(graph, inputs);
    const weightShape = [512].slice(0, y.shape.length === 0 ? 0 : 1);
    const weights = graph.input("weights", "float32", y.shape.length === 0 ? [] : y.shape);
    const loss = op.sum(op.multiply(y, weights));
    const gradients = graph.gradients(loss, inputs, op.add);
    graph.output("y", y);
    graph.output("loss", loss);
    gradients.forEach((g, i) => graph.output(`g${i}`, g));
    const session = await ort.InferenceSession.create(graph.encode(), { logSeverityLevel: 3 });

    const values = shapes.map((s) =>
      Float32Array.from({ length: s.reduce((n, d) => n * d, 1) }, () => domain(random.normal())),
    );
    const run = async (weightTensor: ort.Tensor): Promise<ort.InferenceSession.OnnxValueMapType> =>
      session.run({
        weights: weightTensor,
        ...Object.fromEntries(
          values.map((v, i) => [`x${i}`, new ort.Tensor("float32", v, shapes[i]!)]),
        ),
      });
    const ySize = outputSize(y, shapes, named);
    const w = Float32Array.from({ length: ySize.size }, () => random.normal());
    const weightTensor = new ort.Tensor("float32", w, weightShape.length === 0 ? [] : ySize.shape);
    const base = await run(weightTensor);
    const lossAt = async (): Promise<number> => {
      const out = (await run(weightTensor))["y"]!.data as Float32Array;
      return out.reduce((total, v, k) => total + v * w[k]!, 0); // in float64
    };
    for (const [i, x] of values.entries()) {
      const gradient = base[`g${i}`]!.data as Float32Array;
      expect(base[`g${i}`]!.dims).toEqual(shapes[i]);
      for (let k = 0; k < x.length; k++) {
        const epsilon = 1e-2;
        const kept = x[k]!;
        x[k] = kept + epsilon;
        const [above, high] = [await lossAt(), x[k]!];
        x[k] = kept - epsilon;
        const [below, low] = [await lossAt(), x[k]!];
        x[k] = kept;
        expect(gradient[k]).toBeCloseTo((above - below) / (high - low), 2);
      }
    }
  });
});

function outputSize(
  y: Tensor,
  shapes: number[][],
  named: (number | string)[][] | undefined,
): { size: number; shape: number[] } {
  const inputSize = shapes[0]!.reduce((n, d) => n * d, 1);
  const known = y.shape.filter((d): d is number => typeof d === "number");
  const product = known.reduce((n, d) => n * d, 1);
  const shape = y.shape.map((d) => (typeof d === "number" ? d : inputSize / product));
  return { size: named ? inputSize : product, shape };
}

describe("shape faults", () => {
  it("a broadcast that does not fit names both shapes", () => {
    const graph = new Graph();
    expect(() =>
      op.add(graph.input("a", "float32", [2, 3]), graph.input("b", "float32", [4])),
    ).toThrow("[2, 3] and [4]");
  });

  it("a product that does not fit names both shapes", () => {
    const graph = new Graph();
    expect(() =>
      op.matmul(graph.input("a", "float32", [2, 3]), graph.input("b", "float32", [4, 5])),
    ).toThrow("[2, 3] and [4, 5]");
  });

  it("only a scalar loss can be differentiated", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [3]);
    expect(() => graph.gradients(op.exp(x), [x], op.add)).toThrow("not []");
  });
});
