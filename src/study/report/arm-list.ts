/** The arms of a study as a table: what each is, and whose idea. */
import type { Table } from "./format.js";
import type { Arm } from "../design/study.js";

/** Heads and rows; an arm without a source is this project's own. */
export function armList(
  arms: readonly Pick<Arm, "name" | "family" | "description" | "source">[],
): Table {
  return {
    head: ["arm", "kind", "what it is", "source"],
    rows: arms.map((a) => [a.name, a.family, a.description, a.source ?? "own"]),
  };
}
