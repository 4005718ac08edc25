/** The engine benches of the checkouts named by the arguments, side by side: one round of a case a message. */
import { join } from "node:path";
import { createJiti } from "jiti";

const sides = new Map();
for (const root of process.argv.slice(2)) {
  const jiti = createJiti(join(root, "bench", "guard-side.js"));
  const { cases } = await jiti.import(join(root, "bench", "engine.ts"));
  const { LocalEngine } = await jiti.import(join(root, "src", "engine", "local.ts"));
  sides.set(root, new Map(cases(new LocalEngine({ threads: 1 })).map((each) => [each.name, each])));
}

process.on("message", ({ root, name }) => {
  if (name === undefined) process.send([...sides.get(root).keys()]);
  else void round(sides.get(root).get(name));
});

async function round({ ours }) {
  const before = process.cpuUsage();
  const begun = performance.now();
  await ours();
  const { user, system } = process.cpuUsage(before);
  process.send({ processor: (user + system) / 1000, wall: performance.now() - begun });
}
