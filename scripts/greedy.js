// Compares greedy answers of the local engine with those of transformers (scripts/greedy.py):
//   npm run build && node scripts/greedy.js <folder of a checkpoint> <answers.json>
import { readFileSync } from "node:fs";
import { LocalEngine } from "../dist/engine/local.js";
import { loadCheckpoint } from "../dist/models/load-checkpoint.js";
import { Random } from "../dist/random.js";

const print = (line) => process.stdout.write(`${line}\n`);

const [folder, answers] = process.argv.slice(2);
if (answers === undefined) throw new Error("usage: node scripts/greedy.js <folder> <answers.json>");
const seconds = (from) => ((performance.now() - from) / 1000).toFixed(1);
const wanted = JSON.parse(readFileSync(answers, "utf8"));

let started = performance.now();
const { policy, tokenizer } = await loadCheckpoint(folder, { context: 2048 });
print(`loaded ${policy.weights.length} weights in ${seconds(started)} s`);

const prompts = wanted.map(({ prompt }) => tokenizer.encodePrompt({ observation: prompt }));
const samePrompts = prompts.filter((ids, i) => ids.join() === wanted[i].ids.join()).length;
started = performance.now();
const engine = new LocalEngine({ threads: 2 });
const completions = await engine.sample(policy, {
  prompts,
  maxTokens: 24,
  stopToken: tokenizer.stop,
  temperature: 1e-5,
  random: Random.from(1, "greedy"),
});
print(`sampled in ${seconds(started)} s`);

let same = 0;
completions.forEach(({ tokens }, i) => {
  const text = tokenizer.decode(tokens);
  if (tokens.join() === wanted[i].tokens.join() && text === wanted[i].text) same++;
  else process.stdout.write(`${JSON.stringify({ ours: text, theirs: wanted[i].text, gap: wanted[i].smallestGap })}\n`);
});

started = performance.now();
const sequences = wanted.map(({ ids, tokens }) => ({
  tokens: [...ids, ...tokens].slice(0, -1),
  targets: tokens.map((token, t) => ({ position: ids.length - 1 + t, token })),
}));
const logprobs = await engine.logprobs(policy, sequences);
const expected = wanted.flatMap((w) => w.logprobs);
const largest = expected.reduce((most, l, i) => Math.max(most, Math.abs(l - logprobs[i])), 0);
print(`scored in ${seconds(started)} s`);
print(`prompts with equal tokens: ${samePrompts} of ${wanted.length}`);
print(`equal answers: ${same} of ${wanted.length}`);
print(`largest difference of a log-probability: ${largest.toExponential(2)} over ${expected.length}`);
print(`peak memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
if (same < wanted.length || samePrompts < wanted.length) process.exitCode = 1;
