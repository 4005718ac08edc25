/**
 * A graph of tensor operations, each knowing its vector-Jacobian product.
 *
 * Nothing is computed here: a {@link Graph} is built, differentiated ({@link gradients}) and
 * encoded as ONNX; a runtime executes it. Dimensions are numbers, or names (`"B"`, `"T"`) of
 * sizes known only when the graph runs.
 */
import {
  encodeModel,
  type Attribute,
  type ElementType,
  type OnnxConstant,
  type OnnxNode,
  type OnnxValue,
} from "./onnx.js";

export type Dimension = number | string;
export type Shape = readonly Dimension[];

/** Maps the gradients of a node's outputs to gradients of its inputs (`undefined`: no gradient). */
export type VectorJacobianProduct = (
  outputGradients: readonly (Tensor | undefined)[],
) => readonly (Tensor | undefined)[];

/** A value in a graph: a name, an element type and a symbolic shape. */
export class Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;

  constructor(graph: Graph, name: string, type: ElementType, shape: Shape) {
    this.graph = graph;
    this.name = name;
    this.type = type;
    this.shape = shape;
  }
}

interface Node extends OnnxNode {
  readonly inputTensors: readonly Tensor[];
  readonly outputTensors: readonly Tensor[];
  readonly vjp: VectorJacobianProduct | undefined;
}

export interface NodeOptions {
  readonly operator: string;
  readonly inputs: readonly Tensor[];
  /** One per output. */
  readonly shapes: readonly Shape[];
  readonly type?: ElementType;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** `com.microsoft` for ONNX Runtime's own operators. */
  readonly domain?: string;
  readonly vjp?: VectorJacobianProduct;
}

export class Graph {
  readonly #nodes: Node[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #constants: OnnxConstant[] = [];
  readonly #cache = new Map<string, Tensor>();
  #count = 0;

  #fresh(): string {
    return `t${this.#count++}`;
  }

  /** A value fed at run time. */
  input(name: string, type: ElementType, shape: Shape): Tensor {
    this.#inputs.push({ name, type, shape });
    return new Tensor(this, name, type, shape);
  }

  /** A value read at run time, under `name`. */
  output(name: string, tensor: Tensor): void {
    this.#nodes.push({
      operator: "Identity",
      domain: "",
      inputs: [tensor.name],
      outputs: [name],
      attributes: {},
      inputTensors: [tensor],
      outputTensors: [],
      vjp: undefined,
    });
    this.#outputs.push({ name, type: tensor.type, shape: tensor.shape });
  }

  /** A float32 constant; a plain number is a scalar. */
  float(values: number | ArrayLike<number>, shape: readonly number[] = []): Tensor {
    const data = Float32Array.from(typeof values === "number" ? [values] : Array.from(values));
    return this.#constant("float32", shape, new Uint8Array(data.buffer));
  }

  /** An int64 vector constant [n]. */
  integers(values: readonly number[]): Tensor {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant("int64", [values.length], new Uint8Array(data.buffer));
  }

  #constant(type: ElementType, shape: readonly number[], bytes: Uint8Array): Tensor {
    const key = `${type}:${shape.join(",")}:${Buffer.from(bytes).toString("base64")}`;
    return this.memo(key, () => {
      const name = this.#fresh();
      this.#constants.push({ name, type, shape, bytes });
      return new Tensor(this, name, type, shape);
    });
  }

  /** The tensor built for `key` the first time, thereafter the same one. */
  memo(key: string, build: () => Tensor): Tensor {
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const built = build();
    this.#cache.set(key, built);
    return built;
  }

  /** Adds an operation with several outputs. */
  nodes(options: NodeOptions): Tensor[] {
    const { operator, inputs, shapes, attributes = {}, domain = "", vjp } = options;
    const outputs = shapes.map(
      (shape) => new Tensor(this, this.#fresh(), options.type ?? "float32", shape),
    );
    this.#nodes.push({
      operator,
      domain,
      attributes,
      inputs: inputs.map((t) => t.name),
      outputs: outputs.map((t) => t.name),
      inputTensors: inputs,
      outputTensors: outputs,
      vjp,
    });
    return outputs;
  }

  /** Adds an operation with one output. */
  node(options: Omit<NodeOptions, "shapes"> & { readonly shape: Shape }): Tensor {
    return this.nodes({ ...options, shapes: [options.shape] })[0]!;
  }

  /**
   * Reverse-mode differentiation: d(loss)/d(t) for each of `targets`, added to this graph.
   * `loss` must be a scalar [].
   * @throws RangeError when the loss is not a scalar or does not depend on a target.
   */
  gradients(
    loss: Tensor,
    targets: readonly Tensor[],
    add: (a: Tensor, b: Tensor) => Tensor,
  ): Tensor[] {
    if (loss.shape.length !== 0)
      throw new RangeError(`gradients: the loss has shape [${loss.shape.join(", ")}], not []`);
    const gradient = new Map<string, Tensor>([[loss.name, this.float(1)]]);
    for (const node of [...this.#nodes].reverse()) {
      const outputs = node.outputTensors.map((t) => gradient.get(t.name));
      if (node.vjp === undefined || outputs.every((g) => g === undefined)) continue;
      node.vjp(outputs).forEach((g, i) => {
        const name = node.inputTensors[i]!.name;
        if (g === undefined) return;
        const sum = gradient.get(name);
        gradient.set(name, sum === undefined ? g : add(sum, g));
      });
    }
    return targets.map((t) => {
      const g = gradient.get(t.name);
      if (g === undefined) throw new RangeError(`gradients: the loss does not depend on ${t.name}`);
      return g;
    });
  }

  /** The ONNX bytes of this graph, without the nodes and inputs on which no output depends. */
  encode(): Uint8Array {
    const needed = new Set(this.#outputs.map((o) => o.name));
    const nodes = [...this.#nodes].reverse().filter((node) => {
      const used = node.outputs.some((name) => needed.has(name));
      if (used) for (const name of node.inputs) needed.add(name);
      return used;
    });
    return encodeModel({
      nodes: nodes.reverse(),
      inputs: this.#inputs.filter((input) => needed.has(input.name)),
      outputs: this.#outputs,
      constants: this.#constants.filter((c) => needed.has(c.name)),
    });
  }
}
