/** A room of src/, as in rooms.json. */
export interface Room {
  readonly name: string;
  readonly does: string;
  /** The rooms it may import, where that is not all below it. */
  readonly only?: readonly string[];
  readonly because?: string;
}
export interface Plan {
  /** Top to bottom: a room imports only rooms below it. */
  readonly rooms: readonly Room[];
  /** Most files that may import one another in a circle. */
  readonly largestCircle: number;
  /** Climbs that are known: `from.ts -> to.ts`. */
  readonly exceptions: readonly string[];
}
export function importsOf(file: string, text: string): string[];
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][];
export function forbidden(from: Room, rooms: readonly Room[]): string | undefined;
export function faultsOf(
  sources: ReadonlyMap<string, string>,
  plan: Plan,
): { faults: string[]; stale: string[] };
