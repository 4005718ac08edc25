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
 *     refit the experts, one a signature (remember.ts, expert.ts, portfolio.ts).
 * Smaller ones: a task that weak models fail systematically weighs up to 1.2 times as much
 * (`reward.diverge`); the loss is divided by the number of rollouts, without length normalisation or a KL
 * term (as Dr. GRPO, arXiv:2503.20783); a group's baseline averages on-policy and steered rollouts; a
 * task that stays stuck for eight visits is parked (curriculum.ts).
 * One optimizer step a batch, so the policy ratio is 1 and PPO's clip is inactive.
 */
import { collectMistakes, warmUp } from "./collect.js";
import { evaluate } from "./evaluate.js";
import { playGroups, studentModel } from "./explore.js";
import { trainingSequences } from "./learn.js";
import { Random } from "./random.js";
import type { Run } from "./run.js";
import { score } from "./score.js";
import type { Setup } from "./setup.js";
import { armFor, probeArms, refitExperts } from "./steer.js";

/** Trains until the configured number of steps or until `signal` asks to stop after a step. */
export async function train(run: Run, setup: Setup, signal?: AbortSignal): Promise<void> {
  const { config, environment, engine, tokenizer } = setup;
  while (run.state.step < config.steps && !signal?.aborted) {
    const { step } = run.state;
    const random = (purpose: string): Random => Random.from(config.seed, `${purpose}:${step}`);
    run.beginStep();
    if (step % config.evaluateEvery === 0) await evaluateHeldOut(run, setup);
    if (step === 0) await warmUp(run, setup, random("warm-up"));
    if (step % config.expert.refitEvery === 0) await refitExperts(run, setup, random("refit"));
    if (step % config.explore.probeEvery === 0) await probeArms(run, setup, random("probe"));

    // Play: every task a group of attempts; stuck groups explore away from known mistakes.
    const tasks = run.curriculum.next(config.tasksPerStep, random("tasks"));
    const armRandom = random("arm");
    const explored = await run.ledger.charge("student", tasks.length * config.groupSize, () =>
      playGroups(
        setup,
        run.state.student,
        tasks,
        (task) => armFor(run, setup, task, armRandom),
        random("play"),
      ),
    );

    // Score: advantages from verdicts, charges for repeated mistakes.
    const scored = await run.ledger.charge("expert", 0, () =>
      score(explored.groups, {
        config,
        domain: environment.name,
        corpus: run.corpus,
        engine,
        experts: run.state.experts,
        progress: step / config.steps,
      }),
    );

    // Learn: one optimizer step.
    const sequences = trainingSequences(scored.groups, tokenizer, config.reward.scope);
    const update =
      sequences.length === 0
        ? undefined
        : await run.ledger.charge("student", 0, () =>
            engine.trainStep(run.state.student, run.state.optimizer, sequences, {
              learningRate: config.learningRate,
            }),
          );

    // Remember: what went wrong, ours and the weak partners'.
    const unsolved = explored.groups.filter((g) => g.rollouts.every((r) => !r.verdict.correct));
    for (const { task, rollouts } of explored.groups)
      run.curriculum.record(
        task,
        rollouts.some((r) => r.verdict.correct),
      );
    const admissions = await collectMistakes(run, setup, unsolved, random("partners"));

    await run.endStep(
      { ...explored, ...scored, update, admissions },
      update === undefined ? {} : { student: update.policy, optimizer: update.optimizer },
    );
    if (run.state.step % config.saveEvery === 0) await run.save();
  }
  if (run.state.step === config.steps && !run.finished) {
    run.beginStep();
    await evaluateHeldOut(run, setup);
    run.finish();
  }
  await run.save();
}

async function evaluateHeldOut(run: Run, setup: Setup): Promise<void> {
  const { environment, heldOut } = setup;
  const { step, student } = run.state;
  const accuracy = await run.ledger.charge("evaluation", heldOut.length, () =>
    evaluate(
      environment,
      studentModel(setup, student),
      heldOut,
      Random.from(0, `evaluation:${step}`),
    ),
  );
  run.log({ step, "eval/accuracy": accuracy });
}
