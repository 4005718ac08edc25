/** Claimed savings in words: what each is made of, and where it would hold. */
import { impliedTeacherCost, savingLine } from "../../watch/ledger.js";
import { figure, withInterval } from "./format.js";
import type { StudyResult } from "../verdict/result.js";

/** Teacher costs k of the printed curve. */
const shownCosts: readonly number[] = [0.5, 1, 2, 4, 8, 16];

/**
 * For each saving that is claimed: the identity with its terms as measured (a saving that differs from
 * it contradicts itself), the teacher cost k that the claim needs, and the saving as a curve in k.
 */
export function savingLines({ claims, savings, teacherCost }: StudyResult): string[] {
  return claims
    .filter(({ measure }) => measure === "saving")
    .flatMap(({ arm, baseline, target }) => {
      const curve = savings.find((s) => s.arm === arm && s.baseline === baseline);
      if (curve === undefined) return [];
      const needed = impliedTeacherCost(target, curve.terms);
      const points = curve.points.filter((p) => shownCosts.includes(p.teacherCost));
      return [
        `${arm} against ${baseline}: ${savingLine({ ...curve.terms, teacherCost })}`,
        ...(target === 0
          ? []
          : [
              `  a saving of ${figure(target)} needs ${needed === undefined ? "what no teacher cost gives" : `teacher cost k = ${figure(needed)}`}`,
            ]),
        `  by teacher cost: ${points.map((p) => `k ${p.teacherCost}: ${withInterval(p)}`).join(", ")}`,
      ];
    });
}
