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

/** Every {@link ReviewVerdict}. */
export const reviewVerdicts = ["valid", "invalid", "ambiguous", "wrong-step"] as const;

/**
 * A reviewer's word: `valid`, a real mistake; `invalid`, no mistake at all; `ambiguous`, cannot be
 * told; `wrong-step`, the attempt is wrong but not where it says.
 */
export type ReviewVerdict = (typeof reviewVerdicts)[number];

/** One line of the append-only log. */
export type CorpusEvent =
  | {
      readonly id: number;
      readonly kind: "verdict";
      readonly mistakeId: number;
      readonly by: string;
      readonly verdict: ReviewVerdict;
      readonly note?: string;
      /** The right step as the reviewer writes it. */
      readonly fix?: string;
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

/** Verdicts that stand: each reviewer's last one not revoked, oldest first. */
export function standingVerdicts(
  events: readonly CorpusEvent[],
): Extract<CorpusEvent, { kind: "verdict" }>[] {
  const revoked = new Set(
    events.flatMap((event) => (event.kind === "revoke" ? [event.revokes] : [])),
  );
  const last = new Map<string, Extract<CorpusEvent, { kind: "verdict" }>>();
  for (const event of events) {
    if (event.kind !== "verdict" || revoked.has(event.id)) continue;
    last.delete(event.by);
    last.set(event.by, event);
  }
  return [...last.values()];
}

/**
 * Status after all events, in order. Reviewers who agree decide; where they disagree, `consensus`
 * does (the most probable verdict of all reviewers together), and without one the mistake is held
 * back. Without a verdict that stands, the machine's `automatic` status does.
 */
export function replayStatus(
  automatic: MistakeStatus,
  events: readonly CorpusEvent[],
  consensus?: ReviewVerdict,
): MistakeStatus {
  const verdicts = new Set(standingVerdicts(events).map((event) => event.verdict));
  const [first, ...others] = verdicts;
  if (first === undefined) return automatic;
  return STATUS[others.length === 0 ? first : (consensus ?? "ambiguous")];
}
