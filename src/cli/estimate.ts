/** What a run will cost, before it starts. */
import { shapeFor } from "../students/recipe.js";
import type { Config } from "../config/config.js";
import { usesExperts, usesMistakes } from "../config/uses.js";
import { drawTasks } from "../play/curriculum.js";
import { LocalEngine } from "../engine/local.js";
import { parameterCount } from "../engine/transformer.js";
import { playProcedure } from "../environments/play-procedure.js";
import { expertShape } from "../experts/expert.js";
import { steeringPartner, steersByExpert } from "../play/forms.js";
import { lexiconTokenizer } from "../models/tokenizer.js";
import { partnerAttempts } from "../partners/partner.js";
import { baseStudent, presetFor, requireUsedOptions } from "../launch/prepare.js";
import { partnerRecipe } from "../students/models.js";
import { Random } from "../util/random.js";

/** One kind of work. */
export interface CostEstimate {
  readonly work: string;
  /** Episodes; 0 for work that plays none. */
  readonly rollouts: number;
  readonly tokens: number;
  /** 2 per weight and token read or written, 6 with gradients. */
  readonly flops: number;
}

/** Right solutions that an attempt's length is taken from. */
const sampledTasks = 64;

/**
 * A rough upper bound by role, not a forecast. It takes every attempt to be as long as a right one, every sampled
 * token to carry gradient, every probed task to be hard, weak partners to be needed at every
 * chance and to make one mistake a task. Equal prompts, which the engine computes once, are counted
 * each time, so a small student's share is usually well below this.
 */
export async function estimateCost(config: Config): Promise<CostEstimate[]> {
  requireUsedOptions(config);
  // An estimate asks nobody: a scripted user plays.
  const preset = await presetFor({ ...config, user: { ...config.user, source: "scripted" } });
  const names = config.partners.names ?? Object.keys(preset.partners);
  for (const name of names) partnerRecipe(preset, name);
  const open = config.student.checkpoint !== undefined;
  const loaded = open ? await baseStudent(config, new LocalEngine(), { preset }) : undefined;
  const environment = loaded?.environment ?? (preset.playedIn ?? preset.environment)();
  const tokenizer = loaded?.tokenizer ?? lexiconTokenizer(environment);
  const random = Random.from(0, "estimate");
  const tasks = drawTasks(environment, {
    split: "train",
    levels: preset.levels,
    count: sampledTasks,
    random,
  });
  let tokens = 0;
  let decisions = 0;
  for (const task of tasks) {
    const { steps } = await playProcedure(environment, task, "correct", random);
    for (const { observation, action } of steps)
      tokens += tokenizer.encode(observation).length + tokenizer.encode(action).length;
    decisions += steps.length;
  }
  const [perAttempt, perDecision] = [tokens / tasks.length, tokens / decisions];
  const student = loaded?.base.shape ?? shapeFor(environment, tokenizer, preset.student.size);
  const N = parameterCount(student);
  const played = (work: string, rollouts: number, weights: number): CostEstimate => ({
    work,
    rollouts,
    tokens: Math.round(rollouts * perAttempt),
    flops: 2 * weights * rollouts * perAttempt,
  });

  const { steps, tasksPerStep, groupSize, explore, expert, partners, corpus } = config;
  const rollouts = steps * tasksPerStep * groupSize;
  const learned = Math.round(rollouts * perAttempt);
  const evaluations = Math.ceil(steps / config.evaluateEvery) + 1;
  const estimates = [
    played("student plays", rollouts, N),
    { work: "student learns", rollouts: 0, tokens: learned, flops: 6 * N * learned },
    played("evaluation", evaluations * config.evaluationTasks, N),
  ];
  const weak = steeringPartner(explore.steerBy);
  const expertWeights =
    explore.steerBy === "past-self" || explore.steerBy === "auto"
      ? N
      : parameterCount(
          weak === undefined
            ? expertShape(student)
            : shapeFor(environment, tokenizer, partnerRecipe(preset, weak).size),
        );
  if (steersByExpert(explore.form))
    estimates.push(played("steering", Math.ceil(rollouts * explore.fraction), expertWeights));
  if (usesMistakes(config) && corpus.sources !== "student")
    for (const name of names) {
      const visits = Math.ceil(steps / partners.every) * tasksPerStep * partnerAttempts;
      const { size } = partnerRecipe(preset, name);
      const weights = parameterCount(shapeFor(environment, tokenizer, size));
      const warmUp = partners.warmUpTraces * partnerAttempts;
      estimates.push(played(`partner ${name} plays`, visits + warmUp, weights));
    }
  if (usesExperts(config)) {
    const experts = Math.max(1, names.length);
    const fits = expert.steps * (1 + (Math.ceil(steps / expert.refitEvery) - 1) / 4);
    const seen = Math.round(experts * fits * expert.batch * perDecision);
    estimates.push({
      work: "experts learn",
      rollouts: 0,
      tokens: seen,
      flops: 6 * expertWeights * seen,
    });
    const probes = preset.levels.length * Math.ceil(steps / config.probe.every);
    const samples = probes * config.probe.tasks * config.probe.attempts * (2 + experts);
    if (explore.steerBy === "probe") estimates.push(played("probes", samples, N + expertWeights));
  }
  return estimates;
}
