/** What a model behind a URL is paid for. */
export interface Bill {
  /** The name it is asked under. */
  readonly model: string;
  /** Tokens that it read, and that it wrote. */
  readonly read: number;
  readonly written: number;
}

/** Bills added up by model, in the order of the models' names. */
export function addedBills(bills: readonly Bill[]): Bill[] {
  const byModel = new Map<string, Bill>();
  for (const { model, read, written } of bills) {
    const before = byModel.get(model) ?? { read: 0, written: 0 };
    byModel.set(model, { model, read: before.read + read, written: before.written + written });
  }
  return [...byModel.values()]
    .filter(({ read, written }) => read + written > 0)
    .toSorted((a, b) => (a.model < b.model ? -1 : 1));
}
