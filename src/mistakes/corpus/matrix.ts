/** A row of a {@link VectorMatrix} and its cosine with a query. */
export interface Similar {
  readonly id: number;
  /** In [-1, 1]. */
  readonly similarity: number;
}

/**
 * Unit vectors of one cell, `[N, D]` in one typed array, searched exactly.
 *
 * Rows have no meaningful order: equal similarities go to the lowest id, so an answer depends
 * only on which rows are held, not on how they came.
 */
export class VectorMatrix {
  readonly dimension: number;
  readonly #ids: number[] = [];
  #values: Float32Array;

  constructor(dimension: number) {
    this.dimension = dimension;
    this.#values = new Float32Array(64 * dimension);
  }

  get size(): number {
    return this.#ids.length;
  }

  /** @throws RangeError on a vector of another dimension. */
  append(id: number, vector: Float32Array): void {
    this.#check(vector);
    const end = this.#ids.length * this.dimension;
    if (end + this.dimension > this.#values.length) {
      const grown = new Float32Array(2 * this.#values.length);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values.set(vector, end);
    this.#ids.push(id);
  }

  /** Forgets a row; an id that is not held is no fault. */
  remove(id: number): void {
    const row = this.#ids.indexOf(id);
    if (row < 0) return;
    const last = this.#ids.length - 1;
    this.#values.copyWithin(
      row * this.dimension,
      last * this.dimension,
      (last + 1) * this.dimension,
    );
    this.#ids[row] = this.#ids[last]!;
    this.#ids.pop();
  }

  /**
   * The row of greatest cosine with a unit vector, or undefined when empty.
   * @throws RangeError on a vector of another dimension.
   */
  nearest(query: Float32Array): Similar | undefined {
    const similarities = this.#similarities(query);
    let best = -1;
    for (let row = 0; row < similarities.length; row++) {
      const ahead = best < 0 ? 1 : similarities[row]! - similarities[best]!;
      if (ahead > 0 || (ahead === 0 && this.#ids[row]! < this.#ids[best]!)) best = row;
    }
    return best < 0 ? undefined : { id: this.#ids[best]!, similarity: clip(similarities[best]!) };
  }

  /**
   * Every row, most similar first.
   * @throws RangeError on a vector of another dimension.
   */
  ranked(query: Float32Array): Similar[] {
    const similarities = this.#similarities(query);
    const rows = this.#ids.map((id, row) => ({ id, similarity: clip(similarities[row]!) }));
    return rows.sort((a, b) => b.similarity - a.similarity || a.id - b.id);
  }

  /**
   * Cosine of each row with a unit vector, `[N]`. Four rows at a time, each summed in order, so
   * that a row's cosine does not depend on where it lies.
   */
  #similarities(query: Float32Array): Float64Array {
    this.#check(query);
    const { dimension } = this;
    const values = this.#values;
    const wide = Float64Array.from(query); // spares a conversion per product
    const similarities = new Float64Array(this.#ids.length);
    const whole = similarities.length - (similarities.length % 4);
    for (let row = 0; row < whole; row += 4) {
      const offset = row * dimension;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < dimension; i++) {
        const x = wide[i]!;
        a += x * values[offset + i]!;
        b += x * values[offset + dimension + i]!;
        c += x * values[offset + 2 * dimension + i]!;
        d += x * values[offset + 3 * dimension + i]!;
      }
      similarities[row] = a;
      similarities[row + 1] = b;
      similarities[row + 2] = c;
      similarities[row + 3] = d;
    }
    for (let row = whole; row < similarities.length; row++) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += wide[i]! * values[row * dimension + i]!;
      similarities[row] = sum;
    }
    return similarities;
  }

  #check(vector: Float32Array): void {
    if (vector.length !== this.dimension) {
      throw new RangeError(
        `a vector of ${vector.length} values meets a matrix of dimension ${this.dimension}`,
      );
    }
  }
}

/** Rounding can carry a cosine past its bounds. */
function clip(cosine: number): number {
  return Math.min(1, Math.max(-1, cosine));
}
