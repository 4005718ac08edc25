/**
 * What a mistake may be used for.
 *
 * `candidate` and `accepted` differ in how far the label is trusted, `retired` is outgrown,
 * `quarantined` is held back until someone decides, `human-invalid` is revoked altogether.
 */
export type MistakeStatus =
  | "candidate"
  | "accepted"
  | "quarantined"
  | "retired"
  | "human-valid"
  | "human-invalid";

/**
 * A reviewer's word: `valid`, a real mistake; `invalid`, no mistake at all; `ambiguous`, cannot be
 * told; `wrong-step`, the attempt is wrong but not where it says.
 */
export type ReviewVerdict = "valid" | "invalid" | "ambiguous" | "wrong-step";

/** One line of the append-only log. */
export type CorpusEvent =
  | {
      readonly id: number;
      readonly kind: "verdict";
      readonly mistakeId: number;
      readonly by: string;
      readonly verdict: ReviewVerdict;
      readonly note?: string;
    }
  | {
      readonly id: number;
      readonly kind: "revoke";
      readonly mistakeId: number;
      readonly revokes: number;
    };

/** Where each verdict leaves a mistake. */
const STATUS = {
  valid: "human-valid",
  invalid: "human-invalid",
  ambiguous: "quarantined",
  "wrong-step": "quarantined",
} as const satisfies Record<ReviewVerdict, MistakeStatus>;

/**
 * Status after all events, in order: the last verdict not revoked decides; without one, the
 * machine's `automatic` status stands.
 */
export function replayStatus(
  automatic: MistakeStatus,
  events: readonly CorpusEvent[],
): MistakeStatus {
  const revoked = new Set(
    events.flatMap((event) => (event.kind === "revoke" ? [event.revokes] : [])),
  );
  const last = events.findLast((event) => event.kind === "verdict" && !revoked.has(event.id));
  return last?.kind === "verdict" ? STATUS[last.verdict] : automatic;
}
