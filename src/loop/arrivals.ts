/** Takes into a run what arrived for it: attempts of other models, partners, reviewers' verdicts. */
import { readFileSync } from "node:fs";
import { readAttemptRecord } from "../mistakes/attempt-line.js";
import { warmUpPartner } from "./collect.js";
import { usesMistakes } from "../config/uses.js";
import { applyReviews } from "../mistakes/review-lines.js";
import type { Environment, Step, Task } from "../environments/environment.js";
import { identified } from "../environments/identify.js";
import { stepAt } from "../environments/play-procedure.js";
import { isPartner, partnerName } from "../run/inbox.js";
import { writtenAction } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import type { Rollout } from "../play/play.js";
import { namesByClusters } from "../mistakes/candidate.js";
import { remember } from "../mistakes/remember.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";

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
      if (!(await run.joinPartner(file))) {
        counts.unreadable++;
        continue;
      }
      partners.push(partnerName(file));
      if (usesMistakes(setup.config) && setup.config.corpus.sources !== "student")
        await warmUpPartner(run, setup, partnerName(file), random);
      continue;
    }
    const { groups, sources, unreadable } = await readAttempts(
      setup,
      readFileSync(run.inbox.path(file.name), "utf8"),
    );
    counts.attempts += sources.size;
    counts.unreadable += unreadable;
    if (!usesMistakes(setup.config)) continue;
    const { environment, engine, base, config } = setup;
    const admissions = await run.ledger.charge("embedding", 0, () =>
      remember(groups, {
        corpus: run.corpus,
        environment,
        engine,
        embedder: base,
        source: (rollout) => sources.get(rollout)!,
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

/** Attempts in a file, replayed and judged, in groups of one task: models that agree on a wrong answer make it recur. */
async function readAttempts(
  { environment, tokenizer }: Pick<Setup, "environment" | "tokenizer">,
  text: string,
): Promise<{
  readonly groups: { readonly task: Task; readonly rollouts: Rollout[] }[];
  /** Who made each. */
  readonly sources: ReadonlyMap<Rollout, string>;
  readonly unreadable: number;
}> {
  const groups = new Map<string, { readonly task: Task; readonly rollouts: Rollout[] }>();
  const sources = new Map<Rollout, string>();
  let unreadable = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const attempt = await readAttempt(environment, tokenizer, line);
    if (attempt === undefined) {
      unreadable++;
      continue;
    }
    const { rollout, source } = attempt;
    sources.set(rollout, source);
    const group = groups.get(rollout.task.id) ?? { task: rollout.task, rollouts: [] };
    group.rollouts.push(rollout);
    groups.set(rollout.task.id, group);
  }
  return { groups: [...groups.values()], sources, unreadable };
}

async function readAttempt(
  environment: Environment,
  tokenizer: Tokenizer,
  line: string,
): Promise<{ readonly rollout: Rollout; readonly source: string } | undefined> {
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
    return { rollout, source: `weak:${source.replace(/^weak:/, "")}` };
  } catch {
    return undefined; // counted: one bad line must not stop a run
  }
}
