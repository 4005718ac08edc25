/** Packed rows in a graph: from them to the places of the sequences, which attention sees, and back. */
import type { Graph, Shape, Tensor } from "./graph/graph.js";
import { gatherRows, reshape } from "./graph/operations.js";

/** The inputs `packedRows` int64 [B * T] and `packedPlaces` int64 [N] of a graph: see `Packing`. */
export class PackedRows {
  readonly #graph: Graph;
  readonly #rows: Tensor;
  readonly #places: Tensor;
  readonly #headWidth: number;

  constructor(graph: Graph, headWidth: number) {
    this.#graph = graph;
    this.#rows = graph.input("packedRows", "int64", ["B*T"]);
    this.#places = graph.input("packedPlaces", "int64", ["N"]);
    this.#headWidth = headWidth;
  }

  /**
   * Rows of heads side by side [N, heads * d] at their places [heads, B * T, d], in one copy. Of
   * `queries` only those at `packedPlaces` have a gradient, for {@link pack} takes no others' results.
   */
  unpack(x: Tensor, heads: number, { queries }: { readonly queries: boolean }): Tensor {
    const rows = reshape(x, [`N*${heads}`, this.#headWidth]);
    return gatherRows(rows, this.#headRows(heads), queries ? this.#headPlaces(heads) : undefined);
  }

  /** What attention gives at all places [..., B, T, d], over heads, to rows [N, heads * d], in one copy. */
  pack(x: Tensor, heads: number): Tensor {
    const d = this.#headWidth;
    const places = reshape(x, [`${heads}*B*T`, d]);
    return reshape(gatherRows(places, this.#headPlaces(heads)), ["N", heads * d]);
  }

  /** Where a head of a place is among the heads of all rows: row * heads + head, int64 [heads, B * T]. */
  #headRows(heads: number): Tensor {
    return this.#graph.memo(`headRows:${heads}`, () => {
      const first = this.#int64("Mul", [this.#rows, this.#graph.integers([heads])], ["B*T"]);
      return this.#int64("Add", [this.#column(this.#count(heads)), first], [heads, "B*T"]);
    });
  }

  /** Where a head of a row is among the places of all heads: head * B * T + place, int64 [N, heads]. */
  #headPlaces(heads: number): Tensor {
    return this.#graph.memo(`headPlaces:${heads}`, () => {
      const size = this.#int64("Shape", [this.#rows], [1]);
      const first = this.#int64("Mul", [size, this.#count(heads)], [heads]);
      return this.#int64("Add", [this.#column(this.#places), first], ["N", heads]);
    });
  }

  #count(heads: number): Tensor {
    return this.#graph.integers(Array.from({ length: heads }, (_, head) => head));
  }

  #column(x: Tensor): Tensor {
    return this.#int64("Unsqueeze", [x, this.#graph.integers([1])], [x.shape[0]!, 1]);
  }

  #int64(operator: string, inputs: readonly Tensor[], shape: Shape): Tensor {
    return this.#graph.node({ operator, inputs, shape, type: "int64" });
  }
}
