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
 * One optimizer step a batch, so the policy ratio is 1 and PPO's clip is inactive.
 */
import { UNRECOGNISED } from "./corpus/mistake.js";
import { evaluate } from "./evaluate.js";
import { playGroups, studentModel } from "./explore.js";
import { fitExpert, expertShape, type Expert } from "./expert.js";
import { trainingSequences } from "./learn.js";
import { partnerAttempts, playPartners } from "./partner.js";
import { probe } from "./portfolio.js";
import { Random } from "./random.js";
import { remember, type Admissions } from "./remember.js";
import type { Run } from "./run.js";
import { score } from "./score.js";
import type { Setup } from "./setup.js";
import type { Task } from "./environments/environment.js";

/** Rounds of 64 tasks after which a partner that makes no mistakes is left alone. */
const mostWarmUpRounds = 40;

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
    const admissions = await rememberStep(run, setup, unsolved, random("partners"));

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

/** Weak partners attempt training tasks until the corpus holds enough recurring mistakes of each. */
export async function warmUp(run: Run, setup: Setup, random: Random): Promise<void> {
  const { corpus, partners } = setup.config;
  if (corpus.sources === "student") return;
  const tasksPerRound = 64;
  for (const name of setup.partners.keys())
    for (let round = 0; round < mostWarmUpRounds; round++) {
      const tasks = run.curriculum.next(tasksPerRound, random);
      const [played] = await run.ledger.charge("weak", tasks.length * partnerAttempts, () =>
        playPartners(setup, [name], tasks, random),
      );
      await rememberFrom(run, setup, played!.source, played!.groups);
      const counts = run.corpus.traceCount(setup.environment.name, {
        minSameAnswers: corpus.recurrence,
        sources: [played!.source],
      });
      if ([...counts.values()].reduce((a, b) => a + b, 0) >= partners.warmUpTraces) break;
    }
}

async function rememberStep(
  run: Run,
  setup: Setup,
  unsolved: Parameters<typeof remember>[0],
  random: Random,
): Promise<Admissions> {
  const { corpus, partners, explore } = setup.config;
  const total = { admitted: 0, merged: 0, rejected: 0 };
  const add = (more: Admissions): void => {
    total.admitted += more.admitted;
    total.merged += more.merged;
    total.rejected += more.rejected;
  };
  if (explore.form === "none" && setup.config.reward.penalty === 0) return total;
  if (corpus.sources !== "weak") add(await rememberFrom(run, setup, "student", unsolved));
  const due = run.state.step % partners.every === 0 && corpus.sources !== "student";
  if (due && unsolved.length > 0 && setup.partners.size > 0) {
    const tasks = unsolved.map((g) => g.task);
    const names = [...setup.partners.keys()];
    const played = await run.ledger.charge(
      "weak",
      tasks.length * partnerAttempts * names.length,
      () => playPartners(setup, names, tasks, random),
    );
    for (const { source, groups } of played) add(await rememberFrom(run, setup, source, groups));
  }
  return total;
}

async function rememberFrom(
  run: Run,
  { environment, engine, base }: Setup,
  source: string,
  groups: Parameters<typeof remember>[0],
): Promise<Admissions> {
  return run.ledger.charge("expert", 0, () =>
    remember(groups, {
      corpus: run.corpus,
      environment,
      engine,
      embedder: base,
      source,
      step: run.state.step,
    }),
  );
}

/** The expert that steers a stuck task, if one has proven uplift (or is set by name). */
function armFor(run: Run, { config }: Setup, task: Task, random: Random): Expert | undefined {
  const { experts, committed } = run.state;
  const { form, arm } = config.explore;
  if (form === "none" || experts.size === 0) return undefined;
  if (arm === "random") return random.pick([...experts.values()]);
  return experts.get(arm === "probe" ? (committed.get(task.level) ?? "") : arm);
}

/** One expert for each signature with enough attempts; never pooled, but for the ablation. */
export async function refitExperts(run: Run, setup: Setup, random: Random): Promise<void> {
  const { config, environment, engine, tokenizer } = setup;
  if (config.explore.form === "none") return;
  const { expert: settings, corpus } = config;
  const filter = { minSameAnswers: corpus.recurrence };
  const counts = run.corpus.traceCount(environment.name, filter);
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const wanted = corpus.perSignature
    ? [...counts].filter(([name]) => name !== UNRECOGNISED)
    : ([["pooled", total]] as const);
  for (const [signature, count] of wanted) {
    if (count < settings.minimumTraces) continue;
    const traces = run.corpus
      .tracesForExpert(environment.name, corpus.perSignature ? signature : undefined, {
        ...filter,
        limit: settings.maximumTraces,
      })
      .map((t) => t.trace);
    const expert = await run.ledger.charge("expert", 0, () =>
      fitExpert(
        engine,
        {
          signature,
          traces,
          shape: expertShape(run.state.student.shape),
          tokenizer,
          maxActionSymbols: environment.maxActionSymbols,
          previous: run.state.experts.get(signature),
          step: run.state.step,
          random,
        },
        settings,
      ),
    );
    run.setExpert(expert);
  }
}

/** Measures each expert's uplift per level on fresh samples and commits the best, or none. */
async function probeArms(run: Run, setup: Setup, random: Random): Promise<void> {
  const { config, environment, preset, pool } = setup;
  const { experts, student, step } = run.state;
  if (config.explore.form === "none" || config.explore.arm !== "probe" || experts.size === 0)
    return;
  const arms = new Map(
    [...experts].map(([name, expert]) => [name, studentModel(setup, student, expert)]),
  );
  for (const level of preset.levels) {
    const tasks = random
      .shuffle(pool.filter((t) => t.level === level))
      .slice(0, config.explore.probeTasks);
    const result = await run.ledger.charge("probe", 0, () =>
      probe(
        environment,
        studentModel(setup, student),
        arms,
        tasks,
        config.explore.probeAttempts,
        random,
      ),
    );
    run.ledger.addRollouts("probe", result.rollouts);
    run.commitArm(level, result.committed);
    run.log({
      step,
      "probe/level": level,
      "probe/hard": result.hard,
      "probe/committed": result.committed ?? null,
      "probe/uplift": Object.fromEntries(
        result.uplifts.map(({ signature, mean, lower }) => [signature, { mean, lower }]),
      ),
    });
  }
}
