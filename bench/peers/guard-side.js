/** The engine bench of the checkout named by the first argument: one round of a case a message. */
import { join } from "node:path";
import { createJiti } from "jiti";

const [, , root] = process.argv;
const jiti = createJiti(join(root, "bench", "guard-side.js"));
const { cases } = await jiti.import(join(root, "bench", "engine.ts"));
const { LocalEngine } = await jiti.import(join(root, "src", "engine", "local.ts"));
const known = new Map(cases(new LocalEngine({ threads: 1 })).map((each) => [each.name, each]));

process.on("message", ({ name }) => {
  if (name === undefined) process.send([...known.keys()]);
  else void round(name);
});

async function round(name) {
  const before = process.cpuUsage();
  const begun = performance.now();
  await known.get(name).ours();
  const { user, system } = process.cpuUsage(before);
  process.send({ processor: (user + system) / 1000, wall: performance.now() - begun });
}
