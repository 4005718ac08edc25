/** Values by key, the least recently used forgotten first. */
export class Memory<V> {
  readonly #capacity: number;
  readonly #values = new Map<string, V>();

  /** @param capacity Most values kept. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value of a key, made where it is not at hand. A maker that throws leaves nothing behind. */
  get(key: string, make: () => V): V {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    const value = make();
    this.#values.set(key, value);
    if (this.#values.size > this.#capacity) this.#values.delete(this.#values.keys().next().value!);
    return value;
  }

  /** Forgets a key. */
  delete(key: string): void {
    this.#values.delete(key);
  }
}
