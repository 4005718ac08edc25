/**
 * The training loop. One step: play, score, learn, remember.
 *
 * GRPO (arXiv:2402.03300) with four departures:
 *  1. where the first half of a group is all wrong, the second half samples away from an *error
 *     expert*, a small model of one systematic mistake: mu ~ pi q^-alpha on plausible tokens
 *     (explore.ts; relatives: DExperts arXiv:2105.03023, contrastive decoding arXiv:2309.09117);
 *  2. those rollouts carry clipped weights pi/mu: right ones in [1, 3] (after LUFFY,
 *     arXiv:2504.14945), wrong ones in [0, 1] (TOPR, arXiv:2503.14286) (advantage.ts);
 *  3. in groups that stay all wrong, the first wrong step is charged for repeating a mistake, after
 *     normalisation and annealed (reward.ts);
 *  4. verified mistakes of the student and of weak partners are kept by novelty and recurrence, and
 *     refit the experts, one a signature (remember.ts, expert.ts, probe.ts).
 * Smaller ones: a task that weak models fail systematically weighs up to 1.2 times as much
 * (`reward.diverge`); the loss is divided by the number of rollouts, without length normalisation or a KL
 * term (as Dr. GRPO, arXiv:2503.20783); a group's baseline averages on-policy and steered rollouts; a
 * task that stays stuck for eight visits is parked (curriculum.ts).
 * One optimizer step a batch by default, so the policy ratio is 1 and PPO's clip is inactive.
 */
import { takeArrivals } from "./arrivals.js";
import { collectMistakes, quarantineSuspects, rememberFrom, warmUp } from "./collect.js";
import { evaluate } from "../play/evaluate.js";
import { playGroups, studentModel } from "../play/explore.js";
import { trainingSequences } from "../learn/sequences.js";
import { trainingFlops } from "../watch/ledger.js";
import { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import { score } from "../learn/score.js";
import type { Setup } from "../run/setup.js";
import { contrastStep, withContrast } from "./contrast.js";
import { stepEnd } from "./lines.js";
import { sequencesOf } from "./objective.js";
import { logDistance, logOverlap } from "./observe.js";
import { movesWithinStep, optimize } from "./optimize.js";
import { chooseTasks, recordExposures, recordVisits, refreshQuality } from "./replay.js";
import { spar, sparringGroups } from "./spar.js";
import { isRacing, recordRace } from "./race.js";
import { probeExperts, refitExperts, steeringFor } from "./steer.js";
import { taughtSignals, teach } from "./teach.js";

/** Trains until the configured number of steps or until `signal` asks to stop after a step. */
export async function train(run: Run, setup: Setup, signal?: AbortSignal): Promise<void> {
  const { config } = setup;
  for (const notice of setup.notices ?? []) run.notice({}, notice);
  while (run.state.step < config.steps && !signal?.aborted && run.overBudget === undefined) {
    const { step } = run.state;
    const draw = (purpose: string): Random => Random.from(config.seed, `${purpose}:${step}`);
    run.beginStep();
    await beforeStep(run, setup, draw);
    await takeStep(run, setup, draw);
    const due = run.secondsSinceSave >= config.saveSeconds;
    if (due || run.state.step % config.saveEvery === 0) await run.save();
  }
  if (run.state.step === config.steps && !run.finished) {
    run.beginStep();
    await evaluateHeldOut(run, setup);
    run.finish();
  }
  if (!run.finished && run.overBudget !== undefined)
    run.notice({ budget: run.overBudget }, "stopped: the budget is spent");
  await run.save();
}

/** A generator for each purpose within a step: nothing drawn for one shifts what another draws. */
type Draw = (purpose: string) => Random;

/** What is done now and then: evaluation, arrivals, refits of the experts and the choice among them. */
async function beforeStep(run: Run, setup: Setup, draw: Draw): Promise<void> {
  const { config } = setup;
  const { step } = run.state;
  if (step % config.evaluateEvery === 0 && step !== run.evaluatedAt)
    await evaluateHeldOut(run, setup);
  if (step === 0) await warmUp(run, setup, draw("warm-up"));
  if (step % config.expert.refitEvery === 0) {
    const { revised } = await takeArrivals(run, setup, draw("arrivals"));
    await refitExperts(run, setup, draw("refit"), revised);
    await refreshQuality(run, setup);
  }
  if (step % config.probe.every === 0) {
    await probeExperts(run, setup, draw("probe"));
    await logOverlap(run, setup, draw("overlap"));
  }
}

/** One step of training. */
async function takeStep(run: Run, setup: Setup, draw: Draw): Promise<void> {
  const { config, environment, engine, tokenizer } = setup;
  const { step } = run.state;

  // Play: every task a group of attempts; stuck groups explore away from known mistakes.
  const count = config.tasksPerStep - sparringGroups(config);
  const tasks = chooseTasks(run, setup, count, draw("tasks"), draw("replay"));
  const steering = steeringFor(run, setup, draw("arm"));
  const explored = await run.ledger.charge("student", tasks.length * config.groupSize, () =>
    playGroups({
      player: setup,
      policy: run.state.student,
      tasks,
      steering,
      random: draw("play"),
    }),
  );
  if (isRacing(steering)) recordRace(run, setup, explored, steering);
  if (step % config.evaluateEvery === 0) await logDistance(run, setup, explored.groups);

  // Optional: a teacher where nothing else helped, a degraded partner's forks, contrast of steps.
  const taught = await teach(run, setup, explored.groups, draw("teacher"));
  const round = await spar(run, setup, explored.groups, draw("self-play"));
  const contrasted = await contrastStep(run, setup, explored.groups, draw("contrast"));

  // Score: advantages from verdicts, charges for repeated mistakes.
  const scored = await run.ledger.charge("expert", 0, () =>
    score([...taught.groups, ...(round?.groups ?? []), ...(round?.critic ?? [])], {
      config,
      domain: environment.name,
      corpus: run.corpus,
      engine,
      experts: run.state.experts,
      progress: step / config.steps,
      random: draw("reward"),
      ...(contrasted === undefined ? {} : { bonus: contrasted.bonus }),
    }),
  );

  // Learn: one optimizer step, or several under PPO's clip.
  const signals = await taughtSignals(run, setup, scored.groups, taught);
  const policy = withContrast(
    trainingSequences(signals, tokenizer, config.reward.tokens, {
      merge: !movesWithinStep(config),
      advantageTokens: config.advantage.tokens,
    }),
    contrasted,
  );
  const sequences = await sequencesOf(config.objective, {
    run,
    setup,
    policy,
    own: explored.groups,
    guided: taught.groups,
    random: draw("pairs"),
  });
  const update = await run.ledger.charge("student", 0, () =>
    optimize(setup, run.state, sequences, draw("mini-batches")),
  );

  // Remember: what went wrong, ours and the weak partners'.
  const unsolved = explored.groups.filter((g) => g.rollouts.every((r) => !r.verdict.correct));
  recordVisits(run, explored.groups, scored.groups);
  const exposures = recordExposures(run, setup, explored.groups);
  const admissions = await collectMistakes(run, setup, unsolved, draw("partners"));
  const quarantined = await quarantineSuspects(run, setup, explored.groups);
  if (round !== undefined) await rememberFrom(run, setup, round.source, round.partner);

  const result = { ...explored, ...scored, update, admissions, exposures, quarantined };
  await run.endStep(stepEnd(run, setup, { ...result, taught, round, contrasted }));
}

/**
 * Seed 0 whatever the run's: every seed and arm is evaluated with the same random draws on the same tasks,
 * a paired comparison.
 */
async function evaluateHeldOut(run: Run, setup: Setup): Promise<void> {
  const { environment, heldOut } = setup;
  const { step, student } = run.state;
  const { totals } = run.ledger;
  const accuracy = await run.ledger.charge("evaluation", heldOut.length, () =>
    evaluate(
      environment,
      studentModel(setup, student),
      heldOut,
      Random.from(0, `evaluation:${step}`),
    ),
  );
  run.log({
    step,
    "eval/accuracy": accuracy,
    "eval/flops": trainingFlops(totals),
    "eval/studentFlops": totals.student.flops,
  });
}
