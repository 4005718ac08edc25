// The walls between the rooms of src/, from scripts/rooms.json: a room imports only rooms below it, types included.
//   node scripts/walls.js           checks the sources, scripts/walls.oxlintrc.json and the table in ARCHITECTURE.md
//   node scripts/walls.js --write   writes the last two, and drops exceptions that nothing needs any more
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const isTest = (file) => /\.test\.ts$|(^|\/)testing(\.ts$|\/)/.test(file);

/** The room of a file such as `study/design/arms.ts`: the deepest that holds it; undefined for none. */
export function roomOf(file, rooms) {
  return rooms
    .filter(({ name }) => file.startsWith(`${name}/`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
}

/** What a source imports of the tree: static, dynamic, re-exported, types too. */
export function importsOf(file, text) {
  const relative = /(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}\/[^"']+)\.js["']/g;
  return [...text.matchAll(relative)].map(([, path]) => `${posix.join(posix.dirname(file), path)}.ts`);
}

/** Whether `from` may import `to`: itself, what it names where it names any, else all below. */
export function mayImport(from, to, rooms) {
  if (from === to) return true;
  return from.only === undefined
    ? rooms.indexOf(from) < rooms.indexOf(to)
    : from.only.includes(to.name);
}

/** Groups of files that import one another in circles, types included (Tarjan's components). */
export function circlesOf(graph) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const circles = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) circles.push(circle.toSorted((a, b) => (a < b ? -1 : 1)));
  };
  for (const file of graph.keys()) if (!index.has(file)) visit(file);
  return circles;
}

/**
 * What is wrong with a tree: its sources by path below src/, tests left out; arrows that are known exceptions
 * count for nothing, and are stale where nothing needs them. As the rooms have a total order,
 * a tree without a climb has no circle between rooms.
 */
export function faultsOf(sources, { rooms, largestCircle, exceptions }) {
  const faults = [];
  const used = new Set();
  const graph = new Map();
  for (const [file, text] of sources) {
    const targets = importsOf(file, text).filter((target) => sources.has(target));
    graph.set(
      file,
      targets.filter((target) => !exceptions.includes(`${file} -> ${target}`)),
    );
    if (file === "index.ts") continue;
    const from = roomOf(file, rooms);
    if (from === undefined) {
      faults.push(`${file} is in no room: only index.ts stands loose in src/ (rooms: scripts/rooms.json)`);
      continue;
    }
    for (const target of targets) {
      const to = roomOf(target, rooms);
      const arrow = `${file} -> ${target}`;
      if (to !== undefined && mayImport(from, to, rooms)) continue;
      if (exceptions.includes(arrow)) used.add(arrow);
      else faults.push(`${arrow} climbs: ${from.name} may import ${allowedBy(from, rooms)}`);
    }
  }
  for (const circle of circlesOf(graph))
    if (circle.length > largestCircle)
      faults.push(`a circle of ${circle.length} files (at most ${largestCircle}): ${circle.join(", ")}`);
  const stale = exceptions.filter((arrow) => !used.has(arrow));
  return { faults, stale };
}

function allowedBy({ name, only }, rooms) {
  if (only !== undefined) return only.join(", ");
  const below = rooms.slice(rooms.findIndex((r) => r.name === name) + 1);
  return below.length === 0 ? "nothing" : below.map((r) => r.name).join(", ");
}

/** The pattern that lint forbids to files of a room: every path that leads to a room it may not import. */
export function forbidden(from, rooms) {
  const [top, inner] = from.name.split("/");
  const topOf = ({ name }) => name.split("/")[0];
  const closed = (name) =>
    rooms.every((r) => topOf(r) !== name || !mayImport(from, r, rooms));
  const patterns = new Set();
  for (const to of rooms) {
    if (mayImport(from, to, rooms)) continue;
    const [otherTop, otherInner] = to.name.split("/");
    const files = otherInner === undefined ? "[^/]+$" : `${otherInner}/`;
    if (otherTop !== top)
      patterns.add(closed(otherTop) ? `(\\.\\./)+${otherTop}/` : `(\\.\\./)+${otherTop}/${files}`);
    else patterns.add(inner === undefined ? `\\./${files}` : `\\.\\./${files}`);
  }
  return patterns.size === 0 ? undefined : `^(${[...patterns].join("|")})`;
}

/** What .oxlintrc.json extends: the walls as lint rules, so that an editor shows a climb. */
export function lintRules({ rooms, exceptions }) {
  const walls = rooms.flatMap((room) => {
    const regex = forbidden(room, rooms);
    if (regex === undefined) return [];
    const split = rooms.some((r) => r.name.startsWith(`${room.name}/`));
    const message = room.because ?? "a room imports only rooms below it: see ARCHITECTURE.md";
    return [
      {
        files: [`src/${room.name}/${split ? "*" : "**/*"}.ts`],
        rules: { "no-restricted-imports": ["error", { patterns: [{ regex, message }] }] },
      },
    ];
  });
  const free = ["src/**/*.test.ts", "src/**/testing.ts", ...exceptions.map((arrow) => `src/${arrow.split(" ")[0]}`)];
  const overrides = [...walls, { files: [...new Set(free)], rules: { "no-restricted-imports": "off" } }];
  return { overrides };
}

/** The table of ARCHITECTURE.md. */
export function table({ rooms }) {
  const rows = rooms.map((room, i) => {
    const sees =
      room.only?.map((name) => `\`${name}\``).join(", ") ??
      (i === rooms.length - 1 ? "nothing" : "all below");
    return `| \`${room.name}/\` | ${room.does} | ${sees} |`;
  });
  return ["| room | what is in it | may import |", "|---|---|---|", ...rows].join("\n");
}

function sourcesIn(root) {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && !isTest(file));
  return new Map(files.map((file) => [file, readFileSync(join(root, "src", file), "utf8")]));
}

const marked = /(<!-- walls: printed by scripts\/walls\.js -->\n\n)[^]*?(\n\n<!-- end of walls -->)/;

function main(root, write) {
  const path = (name) => join(root, name);
  const read = (name) => readFileSync(path(name), "utf8");
  const plan = JSON.parse(read("scripts/rooms.json"));
  const { faults, stale } = faultsOf(sourcesIn(root), plan);
  if (write) plan.exceptions = plan.exceptions.filter((arrow) => !stale.includes(arrow));
  else for (const arrow of stale) faults.push(`nothing needs the exception "${arrow}": npm run walls`);
  const page = read("ARCHITECTURE.md");
  if (!marked.test(page)) faults.push("ARCHITECTURE.md has no place for the table of walls");
  const generated = {
    "scripts/rooms.json": json(plan),
    "scripts/walls.oxlintrc.json": json(lintRules(plan)),
    "ARCHITECTURE.md": page.replace(marked, (_, before, after) => `${before}${table(plan)}${after}`),
  };
  for (const [name, text] of Object.entries(generated))
    if (write) writeFileSync(path(name), text);
    else if (read(name) !== text) faults.push(`${name} is not what the walls print: npm run walls`);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
  else process.stdout.write(`walls: ${plan.rooms.length} rooms, ${plan.exceptions.length} exceptions\n`);
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url))
  main(join(dirname(fileURLToPath(import.meta.url)), ".."), process.argv.includes("--write"));
