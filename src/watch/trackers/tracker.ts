/** What a tracker takes. */

/** The lines of one step. */
export interface Batch {
  readonly step: number;
  /** Finite numbers by metric key; of a record, `key/name`. */
  readonly scalars: Readonly<Record<string, number>>;
  /** A few rollouts of the step in Markdown, where they are kept. */
  readonly text?: string;
}

export interface Tracker {
  readonly name: string;
  /** Sends steps in order; one that was sent before may come again. Rejects when it was not taken. */
  send(batches: readonly Batch[]): Promise<void>;
  close(): void;
}

/** The finite numbers of a line of metrics, records flattened. */
export function scalarsOf(line: Readonly<Record<string, unknown>>): Record<string, number> {
  const scalars: Record<string, number> = {};
  const visit = (key: string, value: unknown): void => {
    if (typeof value === "number" && Number.isFinite(value)) scalars[key] = value;
    else if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [name, part] of Object.entries(value)) visit(`${key}/${name}`, part);
  };
  for (const [key, value] of Object.entries(line)) if (key !== "step") visit(key, value);
  return scalars;
}
