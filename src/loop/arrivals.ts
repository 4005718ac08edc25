/** Takes into a run what arrived for it: attempts of other models, partners, reviewers' verdicts. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { readAttemptRecord } from "../mistakes/attempt-line.js";
import { warmUpPartner } from "./collect.js";
import { usesMistakes } from "../config/uses.js";
import { sha256 } from "../mistakes/corpus/encoding.js";
import type { Mistake } from "../mistakes/corpus/mistake.js";
import { reviewVerdicts, standingVerdicts } from "../mistakes/corpus/standing.js";
import type { Corpus } from "../mistakes/corpus/corpus.js";
import { loadPolicy } from "../engine/files/checkpoint.js";
import type { Environment, Step, Task } from "../environments/environment.js";
import { identified } from "../environments/identify.js";
import { ErrataError } from "../util/error.js";
import { stepAt } from "../environments/play-procedure.js";
import { isPartner, partnerName, type ArrivedFile } from "../run/inbox.js";
import { writtenAction } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import type { Rollout } from "../play/play.js";
import { namesByClusters, remember } from "../mistakes/remember.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";

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

/** What arrived at a step. */
export interface Arrived {
  readonly attempts: number;
  /** Lines that could not be read, and attempts that could not be replayed. */
  readonly unreadable: number;
  readonly admitted: number;
  readonly merged: number;
  readonly rejected: number;
  /** Partners that joined. */
  readonly partners: readonly string[];
  readonly verdicts: number;
  /** Signatures whose experts must be fitted anew, from nothing: a verdict changed what they may learn from. */
  readonly revised: ReadonlySet<string>;
}

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

/**
 * Takes what has arrived by this step: attempts are replayed and judged by the environment itself
 * (nobody's label is believed), partners join, verdicts enter the corpus. Logs one line of metrics
 * where there was anything.
 * @throws ErrataError `INBOX_CHANGED`, `INBOX_PARTNER` on a partner of another vocabulary.
 */
export async function takeArrivals(run: Run, setup: Setup, random: Random): Promise<Arrived> {
  const { arrival, reviews } = run.inbox.take(run.state.step);
  const counts = { attempts: 0, unreadable: 0, admitted: 0, merged: 0, rejected: 0 };
  const partners: string[] = [];
  for (const file of arrival.files) {
    if (isPartner(file)) {
      await joinPartner(run, setup, file);
      partners.push(partnerName(file));
      if (usesMistakes(setup.config) && setup.config.corpus.sources !== "student")
        await warmUpPartner(run, setup, partnerName(file), random);
      continue;
    }
    const { groups, attempts, unreadable } = await readAttempts(
      setup,
      readFileSync(run.inbox.path(file.name), "utf8"),
    );
    counts.attempts += attempts;
    counts.unreadable += unreadable;
    if (!usesMistakes(setup.config)) continue;
    const { environment, engine, base, config } = setup;
    const admissions = await run.ledger.charge("embedding", 0, () =>
      remember(groups, {
        corpus: run.corpus,
        environment,
        engine,
        embedder: base,
        source: (rollout) => `weak:${sources.get(rollout)!}`,
        step: run.state.step,
        clusters: namesByClusters(config.corpus.signatures, environment),
      }),
    );
    counts.admitted += admissions.admitted;
    counts.merged += admissions.merged;
    counts.rejected += admissions.rejected;
  }
  const { verdicts, revised } = applyReviews(run.corpus, reviews);
  const arrived: Arrived = { ...counts, partners, verdicts, revised };
  if (arrival.files.length > 0 || verdicts > 0) {
    run.log({
      step: run.state.step,
      "import/files": arrival.files.length,
      "import/attempts": counts.attempts,
      "import/unreadable": counts.unreadable,
      "import/admitted": counts.admitted,
      "import/merged": counts.merged,
      "import/rejected": counts.rejected,
      "import/partners": partners,
      "import/verdicts": verdicts,
    });
    run.notice({ arrival }, "arrivals taken");
  }
  return arrived;
}

/** Loads a partner that arrived; it plays from now on. */
export async function joinPartner(run: Run, setup: Setup, file: ArrivedFile): Promise<void> {
  const policy = await loadPolicy(run.inbox.path(file.name));
  if (policy.shape.vocabulary !== setup.base.shape.vocabulary)
    throw new ErrataError(
      `the partner ${file.name} has ${policy.shape.vocabulary} tokens, the student ${setup.base.shape.vocabulary}`,
      {
        code: "INBOX_PARTNER",
        hint: "give a model of the same vocabulary, or its attempts as .jsonl",
      },
    );
  run.partners.join(partnerName(file), policy);
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

/** Who made each imported attempt. */
const sources = new WeakMap<Rollout, string>();

/** Attempts in a file, replayed and judged, in groups of one task: models that agree on a wrong answer make it recur. */
async function readAttempts(
  { environment, tokenizer }: Pick<Setup, "environment" | "tokenizer">,
  text: string,
): Promise<{
  readonly groups: { readonly task: Task; readonly rollouts: Rollout[] }[];
  readonly attempts: number;
  readonly unreadable: number;
}> {
  const groups = new Map<string, { readonly task: Task; readonly rollouts: Rollout[] }>();
  let [attempts, unreadable] = [0, 0];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const rollout = await readAttempt(environment, tokenizer, line);
    if (rollout === undefined) {
      unreadable++;
      continue;
    }
    attempts++;
    const group = groups.get(rollout.task.id) ?? { task: rollout.task, rollouts: [] };
    group.rollouts.push(rollout);
    groups.set(rollout.task.id, group);
  }
  return { groups: [...groups.values()], attempts, unreadable };
}

async function readAttempt(
  environment: Environment,
  tokenizer: Tokenizer,
  line: string,
): Promise<Rollout | undefined> {
  try {
    const { task: given, actions: texts, source } = readAttemptRecord(line);
    const task = identified(environment, { ...given, domain: environment.name });
    let turn = environment.start(task);
    const steps: Step<unknown>[] = [];
    const actions = [];
    for (const text of texts) {
      if (turn.terminated || turn.truncated) break;
      actions.push(writtenAction(text, turn, tokenizer, environment.maxActionSymbols));
      steps.push(stepAt(turn, text));
      turn = await environment.step(turn.state, text);
    }
    const verdict = await environment.judge({ task, steps, end: turn });
    const rollout: Rollout = { task, actions, steps, verdict, offPolicy: false };
    sources.set(rollout, source.replace(/^weak:/, ""));
    return rollout;
  } catch {
    return undefined; // counted: one bad line must not stop a run
  }
}
