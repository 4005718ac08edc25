/** Keys and values that had another name once: the one table, and how a run made before it is read. */

/** What each key was called, and what it is called now. */
export const renamedKeys: ReadonlyMap<string, string> = new Map([
  ["explore.gate", "explore.when"],
  ["explore.arm", "explore.steerBy"],
  ["explore.probeEvery", "probe.every"],
  ["explore.probeTasks", "probe.tasks"],
  ["explore.probeAttempts", "probe.attempts"],
  ["portfolio.lcb", "probe.lcb"],
  ["portfolio.confidence", "probe.confidence"],
  ["portfolio.independentSample", "probe.independentSample"],
  ["portfolio.leaveOut", "probe.leaveOut"],
  ["portfolio.overlapTasks", "probe.overlapTasks"],
  ["reward.gate", "reward.when"],
  ["reward.scope", "reward.tokens"],
  ["advantage.scope", "advantage.tokens"],
  ["teacher.scope", "teacher.pulls"],
  ["expert.overlap", "expert.minimumShare"],
  ["control.shuffleWeak", "ablate.shuffleWeak"],
  ["control.randomReward", "ablate.randomReward"],
  ["control.expert", "ablate.expert"],
]);

/** Values that were renamed, by today's key. */
export const renamedValues: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ["partners.collection", new Map([["coverage", "worth"]])],
]);

/** Arms of studies, by what they were called: `negative-hint` stood for another form than it ran. */
export const renamedArms: ReadonlyMap<string, string> = new Map([["with-coverage", "with-worth"]]);

/** What is called today what a key or a group of keys was called once, for people. */
export function newName(key: string): string | undefined {
  const exact = renamedKeys.get(key);
  if (exact !== undefined) return exact;
  const group = [...renamedKeys].filter(([old]) => old.startsWith(`${key}.`));
  const groups = new Set(group.map(([, now]) => now.slice(0, now.lastIndexOf("."))));
  return groups.size === 1 ? `${[...groups][0]!}.*` : undefined;
}

type Tree = Record<string, unknown>;

/** A configuration as a run saved it, under today's names; anything else is left as it is. */
export function underNewNames(saved: unknown): unknown {
  if (!isTree(saved)) return saved;
  const tree = structuredClone(saved);
  for (const [old, now] of renamedKeys) {
    const [group, key] = old.split(".") as [string, string];
    const from = tree[group];
    if (!isTree(from) || !Object.hasOwn(from, key)) continue;
    const [newGroup, newKey] = now.split(".") as [string, string];
    const into = isTree(tree[newGroup]) ? tree[newGroup] : (tree[newGroup] = {});
    (into as Tree)[newKey] ??= from[key];
    delete from[key];
    if (Object.keys(from).length === 0) delete tree[group];
  }
  for (const [key, values] of renamedValues) {
    const [group, name] = key.split(".") as [string, string];
    const place = tree[group];
    if (!isTree(place)) continue;
    const value = values.get(String(place[name]));
    if (value !== undefined) place[name] = value;
  }
  return tree;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
