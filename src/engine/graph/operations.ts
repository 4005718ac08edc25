/**
 * Differentiable operations: each builds its ONNX node(s) and states its vector-Jacobian product.
 * In the comments g is the gradient of the output.
 */
import type { Attribute } from "./onnx.js";
import type { Dimension, Shape, Tensor, VectorJacobianProduct } from "./graph.js";

const microsoft = "com.microsoft";

const describe = (shape: Shape): string => `[${shape.join(", ")}]`;

/** Shape of an elementwise operation on `a` and `b` (NumPy broadcasting). */
function broadcast(a: Shape, b: Shape, operation: string): Shape {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, i: number): Dimension => shape[i - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [at(a, i), at(b, i)];
    if (x !== y && x !== 1 && y !== 1)
      throw new RangeError(`${operation}: shapes ${describe(a)} and ${describe(b)} do not match`);
    return x === 1 ? y : x;
  });
}

/** Sums `g` over the axes along which a tensor of shape `shape` was broadcast. */
function unbroadcast(g: Tensor, like: Tensor): Tensor {
  const extra = g.shape.length - like.shape.length;
  const axes = g.shape.flatMap((d, i) =>
    i < extra || (like.shape[i - extra] === 1 && d !== 1) ? [i] : [],
  );
  if (axes.length === 0) return g;
  const summed = sum(g, axes, true);
  return extra === 0 ? summed : reshapeLike(summed, like);
}

function binary(
  operator: string,
  a: Tensor,
  b: Tensor,
  vjp: (g: Tensor) => readonly [Tensor | undefined, Tensor | undefined],
): Tensor {
  return a.graph.node({
    operator,
    inputs: [a, b],
    shape: broadcast(a.shape, b.shape, operator),
    vjp: ([g]) => {
      const [ga, gb] = vjp(g!);
      return [ga && unbroadcast(ga, a), gb && unbroadcast(gb, b)];
    },
  });
}

/** a + b. */
export function add(a: Tensor, b: Tensor): Tensor {
  return binary("Add", a, b, (g) => [g, g]);
}

/** a - b. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return binary("Sub", a, b, (g) => [g, negate(g)]);
}

/** a * b, elementwise. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return binary("Mul", a, b, (g) => [multiply(g, b), multiply(g, a)]);
}

/** a / b, elementwise. */
export function divide(a: Tensor, b: Tensor): Tensor {
  return binary("Div", a, b, (g) => [divide(g, b), negate(divide(multiply(g, a), multiply(b, b)))]);
}

/** The smaller of a and b, elementwise; where equal the gradient goes to a. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return binary("Min", a, b, (g) => {
    const aChosen = indicator("LessOrEqual", a, b);
    return [multiply(g, aChosen), multiply(g, subtract(a.graph.float(1), aChosen))];
  });
}

/** 1 where the comparison holds, else 0. Not differentiable. */
export function indicator(
  comparison: "LessOrEqual" | "Less" | "Greater",
  a: Tensor,
  b: Tensor,
): Tensor {
  const shape = broadcast(a.shape, b.shape, comparison);
  const holds = a.graph.node({ operator: comparison, inputs: [a, b], shape, type: "bool" });
  return a.graph.node({ operator: "Cast", inputs: [holds], shape, attributes: { to: 1 } });
}

/** x limited to [low, high]; the gradient is zero outside. `low` and `high` are scalars. */
export function clamp(x: Tensor, low: Tensor, high: Tensor): Tensor {
  return x.graph.node({
    operator: "Clip",
    inputs: [x, low, high],
    shape: x.shape,
    vjp: ([g]) => [
      multiply(g!, multiply(indicator("LessOrEqual", low, x), indicator("LessOrEqual", x, high))),
      undefined,
      undefined,
    ],
  });
}

function unary(operator: string, x: Tensor, derivative: (y: Tensor) => Tensor): Tensor {
  const y: Tensor = x.graph.node({
    operator,
    inputs: [x],
    shape: x.shape,
    vjp: ([g]) => [multiply(g!, derivative(y))],
  });
  return y;
}

/** -x. */
export function negate(x: Tensor): Tensor {
  return x.graph.node({
    operator: "Neg",
    inputs: [x],
    shape: x.shape,
    vjp: ([g]) => [negate(g!)],
  });
}

/** e^x. */
export function exp(x: Tensor): Tensor {
  return unary("Exp", x, (y) => y);
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return unary("Log", x, () => divide(x.graph.float(1), x));
}

/** Square root. */
export function sqrt(x: Tensor): Tensor {
  return unary("Sqrt", x, (y) => divide(x.graph.float(0.5), y));
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  return unary("Sigmoid", x, (y) => multiply(y, subtract(x.graph.float(1), y)));
}

/** y = x * sigmoid(x) (SiLU, arXiv:1606.08415), one fused node. dx = g * (y + s * (1 - y)). */
export function silu(x: Tensor): Tensor {
  const y: Tensor = x.graph.node({
    operator: "QuickGelu",
    domain: microsoft,
    inputs: [x],
    shape: x.shape,
    attributes: { alpha: { float: 1 } },
    vjp: ([g]) => {
      const slope = add(y, multiply(sigmoid(x), subtract(x.graph.float(1), y)));
      return [multiply(g!, slope)];
    },
  });
  return y;
}

/** Multiplies by a number. */
export function scale(x: Tensor, factor: number): Tensor {
  return multiply(x, x.graph.float(factor));
}

/** Sum over `axes`; all of them by default, giving a scalar []. */
export function sum(x: Tensor, axes?: readonly number[], keepDimensions = false): Tensor {
  const reduced = axes ?? x.shape.map((_, i) => i);
  const kept = x.shape.map((d, i) => (reduced.includes(i) ? 1 : d));
  const shape = keepDimensions ? kept : x.shape.filter((_, i) => !reduced.includes(i));
  return x.graph.node({
    operator: "ReduceSum",
    inputs: [x, x.graph.integers(reduced)],
    shape,
    attributes: { keepdims: keepDimensions ? 1 : 0 },
    vjp: ([g]) => {
      const wide = keepDimensions ? g! : insertOnes(g!, reduced, kept);
      return [x.graph.node({ operator: "Expand", inputs: [wide, shapeOf(x)], shape: x.shape })];
    },
  });
}

function insertOnes(g: Tensor, axes: readonly number[], shape: Shape): Tensor {
  return g.graph.node({ operator: "Unsqueeze", inputs: [g, g.graph.integers(axes)], shape });
}

/** The run-time shape of x as an int64 vector. */
export function shapeOf(x: Tensor): Tensor {
  if (x.shape.every((d) => typeof d === "number")) return x.graph.integers(x.shape);
  return x.graph.memo(`shape:${x.name}`, () =>
    x.graph.node({ operator: "Shape", inputs: [x], shape: [x.shape.length], type: "int64" }),
  );
}

/** The run-time size of x along `axis`, as an int64 vector [1]. */
function sizeOf(x: Tensor, axis: number): Tensor {
  const d = x.shape[axis]!;
  if (typeof d === "number") return x.graph.integers([d]);
  return x.graph.memo(`size:${x.name}:${axis}`, () =>
    x.graph.node({
      operator: "Shape",
      inputs: [x],
      shape: [1],
      type: "int64",
      attributes: { start: axis, end: axis + 1 },
    }),
  );
}

/** x with the run-time shape of `like`. */
export function reshapeLike(x: Tensor, like: Tensor): Tensor {
  return reshapeTo(x, shapeOf(like), like.shape);
}

function reshapeTo(x: Tensor, target: Tensor, shape: Shape): Tensor {
  return x.graph.node({
    operator: "Reshape",
    inputs: [x, target],
    shape,
    vjp: ([g]) => [reshapeLike(g!, x), undefined],
  });
}

/**
 * x with shape `shape`. At most one named dimension may differ from those of x and of `sized`,
 * tensors in which the other named dimensions can be looked up.
 */
export function reshape(x: Tensor, shape: Shape, sized: readonly Tensor[] = []): Tensor {
  let inferred = 0;
  const parts = shape.map((d) => {
    if (typeof d === "number") return x.graph.integers([d]);
    for (const source of sized) {
      const axis = source.shape.indexOf(d);
      if (axis >= 0) return sizeOf(source, axis);
    }
    inferred++;
    return x.graph.integers([-1]);
  });
  if (inferred > 1)
    throw new RangeError(
      `reshape: ${describe(x.shape)} to ${describe(shape)} leaves ${inferred} sizes unknown`,
    );
  const static_ = shape.filter((d) => typeof d === "number").length;
  const target =
    static_ + inferred === shape.length
      ? x.graph.integers(shape.map((d) => (typeof d === "number" ? d : -1)))
      : x.graph.memo(`concat:${parts.map((p) => p.name).join(",")}`, () =>
          x.graph.node({
            operator: "Concat",
            inputs: parts,
            shape: [shape.length],
            type: "int64",
            attributes: { axis: 0 },
          }),
        );
  return reshapeTo(x, target, shape);
}

/** Axes reordered by `permutation`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const inverse = permutation.map((_, i) => permutation.indexOf(i));
  return x.graph.node({
    operator: "Transpose",
    inputs: [x],
    shape: permutation.map((i) => x.shape[i]!),
    attributes: { perm: permutation },
    vjp: ([g]) => [transpose(g!, inverse)],
  });
}

export interface MatrixOptions {
  /** Use a with its last two axes exchanged. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor on the result. */
  readonly alpha?: number;
}

/**
 * alpha * op(a) op(b) over the last two axes, leading axes broadcast; a transposed operand costs
 * no copy (ONNX Runtime's FusedMatMul).
 */
export function matmul(a: Tensor, b: Tensor, options: MatrixOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  const [rowsA, columnsA] = transposeA
    ? [a.shape.at(-1)!, a.shape.at(-2)!]
    : [a.shape.at(-2)!, a.shape.at(-1)!];
  const [rowsB, columnsB] = transposeB
    ? [b.shape.at(-1)!, b.shape.at(-2)!]
    : [b.shape.at(-2)!, b.shape.at(-1)!];
  if (columnsA !== rowsB)
    throw new RangeError(
      `matmul: ${describe(a.shape)}${transposeA ? "^T" : ""} and ${describe(b.shape)}${transposeB ? "^T" : ""} do not match`,
    );
  const vjp: VectorJacobianProduct = ([g]) => {
    const ga = transposeA
      ? matmul(b, g!, { transposeA: transposeB, transposeB: true, alpha })
      : matmul(g!, b, { transposeB: !transposeB, alpha });
    if (transposeB && !transposeA && a.shape.length === 2 && b.shape.length === 2)
      return [ga, overRows(g!, a, alpha)];
    const gb = transposeB
      ? matmul(g!, a, { transposeA: true, transposeB: transposeA, alpha })
      : matmul(a, g!, { transposeA: !transposeA, alpha });
    return [unbroadcast(ga, a), unbroadcast(gb, b)];
  };
  const attributes: Record<string, Attribute> = {
    transA: Number(transposeA),
    transB: Number(transposeB),
    alpha: { float: alpha },
  };
  return a.graph.node({
    operator: "FusedMatMul",
    domain: microsoft,
    inputs: [a, b],
    shape: [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul"), rowsA, columnsB],
    attributes,
    vjp,
  });
}

/**
 * alpha a^T b for a [N, p] and b [N, q], N large: the narrower one is turned first, once for all products
 * it is in, for the runtime's product with a transposed operand takes up to twice as long.
 */
function overRows(a: Tensor, b: Tensor, alpha: number): Tensor {
  const [p, q] = [a.shape[1]!, b.shape[1]!];
  if (typeof p !== "number" || typeof q !== "number")
    return matmul(a, b, { transposeA: true, alpha });
  return p < q
    ? matmul(turned(a), b, { alpha })
    : transpose(matmul(turned(b), a, { alpha }), [1, 0]);
}

/** x [N, p] as [p, N]. A third axis keeps the runtime from making a transposed operand of it again. */
function turned(x: Tensor): Tensor {
  const [n, p] = [x.shape[0]!, x.shape[1]!];
  return x.graph.memo(`turned:${x.name}`, () =>
    reshape(transpose(reshape(x, [n, p, 1]), [1, 0, 2]), [p, n]),
  );
}

/**
 * Softmax over the last axis. dx = y * (g - sum(g * y)). Entries that were masked by a large negative
 * number make it slow unless it is told that there may be some.
 */
export function softmax(x: Tensor, { masked = true }: { readonly masked?: boolean } = {}): Tensor {
  const y: Tensor = x.graph.node({
    operator: "Softmax",
    inputs: [masked ? withoutDenormals(x) : x],
    shape: x.shape,
    attributes: { axis: -1 },
    vjp: ([g]) => [multiply(y, subtract(g!, sum(multiply(g!, y), [x.shape.length - 1], true)))],
  });
  return y;
}

/**
 * Raises entries more than 60 below the largest of their row to that level. Their share of a
 * softmax, e^-60, is still lost in rounding, but no longer a denormal number (from e^-87), which
 * processors handle so slowly that a causal mask made the softmax three times slower.
 */
function withoutDenormals(x: Tensor): Tensor {
  const { graph, shape } = x;
  const row = [...shape.slice(0, -1), 1];
  const largest = graph.node({
    operator: "ReduceMax",
    inputs: [x, graph.integers([shape.length - 1])],
    shape: row,
  });
  const floor = graph.node({ operator: "Sub", inputs: [largest, graph.float(60)], shape: row });
  return graph.node({ operator: "Max", inputs: [x, floor], shape, vjp: ([g]) => [g, undefined] });
}

/** log(softmax(x)) over the last axis. dx = g - softmax(x) * sum(g). */
export function logSoftmax(x: Tensor): Tensor {
  const y: Tensor = x.graph.node({
    operator: "LogSoftmax",
    inputs: [x],
    shape: x.shape,
    attributes: { axis: -1 },
    vjp: ([g]) => [subtract(g!, multiply(exp(y), sum(g!, [x.shape.length - 1], true)))],
  });
  return y;
}

/**
 * RMSNorm (arXiv:1910.07467) over the last axis: y = x * inverse * gain, where
 * inverse = 1 / sqrt(mean(x^2) + epsilon). With n = x * inverse:
 * dx = inverse * (g * gain - n * mean(g * gain * n)), dgain = sum(g * n).
 */
export function rmsNorm(x: Tensor, gain: Tensor, epsilon: number): Tensor {
  const width = x.shape.at(-1)!;
  if (typeof width !== "number" || gain.shape[0] !== width)
    throw new RangeError(
      `rmsNorm: x ${describe(x.shape)} and gain ${describe(gain.shape)} do not match`,
    );
  const [y, inverse]: Tensor[] = x.graph.nodes({
    operator: "SimplifiedLayerNormalization",
    inputs: [x, gain],
    shapes: [x.shape, [...x.shape.slice(0, -1), 1]],
    attributes: { axis: -1, epsilon: { float: epsilon } },
    vjp: ([g]) => {
      const normal = multiply(x, inverse!);
      const along = multiply(g!, normal);
      const mean = matmul(along, reshape(gain, [width, 1]), { alpha: 1 / width });
      return [
        multiply(inverse!, subtract(multiply(g!, gain), multiply(normal, mean))),
        unbroadcast(along, gain),
      ];
    },
  });
  return y!;
}

/**
 * Rotary positions (arXiv:2104.09864), half-split as in Llama: pairs (x_i, x_{i+d/2}) turn by the
 * angle of their position. x [A, C, T, d]; positions int64 [1] (the first position; the rest
 * follow) or [A, T]; cosines and sines [P, d/2].
 */
export function rotary(x: Tensor, positions: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  return x.graph.node({
    operator: "RotaryEmbedding",
    domain: microsoft,
    inputs: [x, positions, cosines, sines],
    shape: x.shape,
    attributes: { interleaved: 0 },
    vjp: ([g]) => [rotary(g!, positions, cosines, negate(sines)), undefined, undefined, undefined],
  });
}

/**
 * Rows of x [R, ...] at `indices` int64 [...]: y [..., ...]. Repeated indices add up in dx, unless `back`
 * int64 [R] says which one row of y (its leading axes taken as one) alone has a gradient.
 */
export function gatherRows(x: Tensor, indices: Tensor, back?: Tensor): Tensor {
  return x.graph.node({
    operator: "Gather",
    inputs: [x, indices],
    shape: [...indices.shape, ...x.shape.slice(1)],
    attributes: { axis: 0 },
    vjp: ([g]) => {
      if (back !== undefined)
        return [reshapeLike(gatherRows(flattened(g!, indices.shape.length), back), x), undefined];
      const column = x.graph.node({
        operator: "Unsqueeze",
        inputs: [indices, x.graph.integers([indices.shape.length])],
        shape: [...indices.shape, 1],
        type: "int64",
      });
      return [scatterAdd(x, column, g!), undefined];
    },
  });
}

/** x with its first `count` axes as one. */
function flattened(x: Tensor, count: number): Tensor {
  return reshape(x, [x.shape.slice(0, count).join("*"), ...x.shape.slice(count)]);
}

/** y[m] = x[r, v] for x [U, V] and each pair (r, v) of indices int64 [M, 2]. Repeated pairs add up in dx. */
export function pick(x: Tensor, indices: Tensor): Tensor {
  if (x.shape.length !== 2 || indices.shape[1] !== 2)
    throw new RangeError(
      `pick: x ${describe(x.shape)} and indices ${describe(indices.shape)} do not match`,
    );
  return x.graph.node({
    operator: "GatherND",
    inputs: [x, indices],
    shape: [indices.shape[0]!],
    vjp: ([g]) => [scatterAdd(x, indices, g!), undefined],
  });
}

/** Zeros of the shape of `like`, with `updates` added at `indices` [..., n], which index its first n axes. */
function scatterAdd(like: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const { graph, shape } = like;
  const zeros = graph.node({ operator: "ConstantOfShape", inputs: [shapeOf(like)], shape });
  return graph.node({
    operator: "ScatterND",
    inputs: [zeros, indices, updates],
    shape,
    attributes: { reduction: "add" },
  });
}
