/**
 * The method in one loop, to read and to change: play groups, steer the stuck ones away from a known
 * mistake, take one policy-gradient step, remember the new mistakes.
 *
 *     npx jiti examples/loop.ts [steps]
 *
 * What `errata train` adds: partners, several experts, probes, a corpus on disk, resuming, a ledger.
 */
import {
  accuracy,
  Corpus,
  expertShape,
  fitExpert,
  groupAdvantages,
  inGroups,
  offPolicyWeight,
  parseConfig,
  play,
  PolicyModel,
  prepare,
  presetNamed,
  Random,
  remember,
  repeat,
  trainingSequences,
  type Expert,
  type Group,
  type Policy,
  type Task,
} from "errata";

const steps = Number(process.argv[2] ?? 20);
const [tasksPerStep, half] = [16, 4]; // tasks a step; attempts of each half of a group
const preset = presetNamed("arithmetic-mixture");
const { engine, environment, tokenizer, base, pool, heldOut } = await prepare(
  parseConfig({ preset: preset.name, pool: 512, evaluationTasks: 100, partners: { names: [] } }),
);
const { maxActionSymbols } = environment;
const corpus = Corpus.open(":memory:");
let student: Policy = base;
let optimizer = engine.newOptimizer(student);
let expert: Expert | undefined;

/** The student; with an expert, the student steered away from it: mu ~ pi * q^-alpha on plausible tokens. */
function player(repelledBy?: Expert): PolicyModel {
  const settings = { alpha: 1, mask: 0.02, floor: -3, exempt: [tokenizer.stop] };
  return new PolicyModel({
    engine,
    policy: student,
    tokenizer,
    maxActionSymbols,
    ...(repelledBy && { steering: { expert: repelledBy.policy, form: "repulsive", ...settings } }),
  });
}

/** A group of attempts for each task: the second half of a stuck group is steered. */
async function playGroups(tasks: readonly Task[], random: Random): Promise<Group[]> {
  const first = inGroups(await play(environment, player(), repeat(tasks, half), random), half);
  const groups: Group[] = [];
  for (const stuck of [true, false]) {
    const part = first.filter(({ rollouts }) => (accuracy(rollouts) === 0) === stuck);
    const steering = stuck ? expert : undefined;
    const again = repeat(
      part.map(({ task }) => task),
      half,
    );
    const offPolicy = steering !== undefined;
    const second = await play(environment, player(steering), again, random, { offPolicy });
    for (const [i, { task, rollouts }] of part.entries())
      groups.push({
        task,
        rollouts: [...rollouts, ...second.slice(i * half, (i + 1) * half)],
      });
  }
  return groups;
}

/** One optimizer step on -A log pi, A relative to the group; steered attempts weigh pi/mu, clipped. */
async function learn(groups: readonly Group[]): Promise<void> {
  const scored = groups.map((group) => {
    const outcomes = group.rollouts.map(({ verdict }) => Number(verdict.correct));
    const advantages = groupAdvantages(outcomes);
    const signals = group.rollouts.map((rollout, i) => ({
      advantage: offPolicyWeight(rollout).weight * advantages[i]!,
      charge: 0,
    }));
    return { group, signals };
  });
  const sequences = trainingSequences(scored, tokenizer, "all");
  if (sequences.length === 0) return;
  const options = { learningRate: 1e-3 };
  ({ policy: student, optimizer } = await engine.trainStep(student, optimizer, sequences, options));
}

/** Keeps what went wrong; fits the expert to the mistake seen most, once there is enough of it. */
async function rememberAndRefit(groups: readonly Group[], step: number): Promise<void> {
  await remember(groups, { corpus, environment, engine, embedder: base, source: "student", step });
  const [most] = corpus.signatures(environment.name);
  if (most === undefined || step % 5 !== 0) return;
  const limit = 512;
  const kept = corpus.tracesForExpert(environment.name, most.signature, { limit });
  if (kept.length < 64) return;
  const previous = expert?.signature === most.signature ? expert : undefined;
  expert = await fitExpert(
    engine,
    {
      signature: most.signature,
      traces: kept.map(({ trace }) => trace),
      shape: expertShape(base.shape),
      student,
      tokenizer,
      maxActionSymbols,
      previous,
      step,
      random: Random.from(step, "expert"),
    },
    { minimumTraces: 64, maximumTraces: limit, steps: 100, batch: 64, learningRate: 3e-3 },
  );
}

/** Share of held-out tasks solved, one attempt each. */
async function heldOutAccuracy(): Promise<number> {
  return accuracy(await play(environment, player(), heldOut, Random.from(0, "held-out")));
}

console.log(`before: ${(100 * (await heldOutAccuracy())).toFixed(0)}% of held-out tasks solved`);
for (let step = 1; step <= steps; step++) {
  const random = Random.from(step, "loop");
  const groups = await playGroups(random.shuffle(pool).slice(0, tasksPerStep), random);
  await learn(groups);
  await rememberAndRefit(groups, step);
  const solved = groups.filter(({ rollouts }) => accuracy(rollouts) > 0).length;
  const from = expert === undefined ? "nothing yet" : `"${expert.signature}"`;
  console.log(`step ${step}: ${solved} of ${groups.length} groups solved, steering from ${from}`);
}
const { mistakes } = corpus.stats();
console.log(`after: ${(100 * (await heldOutAccuracy())).toFixed(0)}%, ${mistakes} mistakes kept`);
corpus.close();
