/** Lines of `reviews.jsonl`: what reviewers said of mistakes, and what becomes of it in a corpus. */
import { z } from "zod";
import type { Corpus } from "./corpus/corpus.js";
import { sha256 } from "./corpus/encoding.js";
import type { Mistake } from "./corpus/mistake.js";
import { reviewVerdicts, standingVerdicts } from "./corpus/standing.js";

/** One line of `reviews.jsonl`. */
export const reviewSchema: z.ZodType<ReviewLine> = z.union([
  z.object({
    mistake: z.number().int(),
    identity: z.string(),
    by: z.string().min(1),
    verdict: z.enum(reviewVerdicts),
    note: z.string().optional(),
    fix: z.string().optional(),
  }),
  z.object({
    mistake: z.number().int(),
    identity: z.string(),
    by: z.string().min(1),
    undo: z.literal(true),
  }),
]);

/** A verdict on a mistake, or the withdrawal of one's own last. */
export type ReviewLine = {
  readonly mistake: number;
  /** {@link reviewIdentity} of the mistake that was seen. */
  readonly identity: string;
  readonly by: string;
} & (
  | {
      readonly verdict: (typeof reviewVerdicts)[number];
      readonly note?: string | undefined;
      readonly fix?: string | undefined;
    }
  | { readonly undo: true }
);

/** Tells that a verdict is about the very mistake its reviewer saw, not only about its number. */
export function reviewIdentity({
  domain,
  level,
  state,
  wrongStep,
}: Pick<Mistake, "domain" | "level" | "state" | "wrongStep">): string {
  return Buffer.from(sha256(JSON.stringify([domain, level, state, wrongStep])))
    .toString("hex")
    .slice(0, 16);
}

/** Applies lines of `reviews.jsonl` to a corpus; a line about a mistake that is not (any more) the one seen is left out. */
export function applyReviews(
  corpus: Corpus,
  lines: string,
): { readonly verdicts: number; readonly revised: ReadonlySet<string> } {
  let verdicts = 0;
  const revised = new Set<string>();
  for (const line of lines.split("\n")) {
    const review = readLine(line);
    if (review === undefined) continue;
    const mistake = corpus.find(review.mistake);
    if (mistake === undefined || reviewIdentity(mistake) !== review.identity) continue;
    if ("undo" in review) {
      const own = standingVerdicts(corpus.show(mistake.id).events).find((e) => e.by === review.by);
      if (own === undefined) continue;
      corpus.reviews.revoke(own.id);
    } else {
      const { verdict, by, note, fix } = review;
      corpus.reviews.record({
        mistakeId: mistake.id,
        by,
        verdict,
        ...(note === undefined ? {} : { note }),
        ...(fix === undefined ? {} : { fix }),
      });
    }
    verdicts++;
    if (corpus.find(mistake.id)!.status !== mistake.status)
      for (const signature of corpus.signaturesAt(mistake.id)) revised.add(signature);
  }
  return { verdicts, revised };
}

function readLine(line: string): ReviewLine | undefined {
  try {
    return reviewSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
