/** Files of every kind, damaged in every way: what users run on them works as before or says what is wrong. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../src/util/random.js";
import { differences } from "../test/outcome.js";
import { Commands, runner, type Ended } from "./damage/commands.js";
import { KINDS, type Kind } from "./damage/kinds.js";
import {
  resolved,
  SCENES,
  type Scene,
  type SceneCommand,
  type SceneFile,
} from "./damage/scenes.js";

const errata = fileURLToPath(new URL("../bin/errata.js", import.meta.url));

/** What a command may take on a busy machine, in seconds. */
const PATIENCE = 90;

interface Failure {
  readonly scene: string;
  readonly file: string;
  readonly kind: string;
  readonly command: string;
  readonly why: string;
}

/** A trial: one file of a scene, damaged in one way. */
interface Trial {
  readonly name: string;
  readonly scene: Scene;
  readonly file: SceneFile;
  readonly kindName: string;
  readonly kind: Kind;
}

/** Every damage, or those of a scene or a file (`only`), or `tries` of them that the seed draws. */
export async function run({
  seed,
  only,
  tries,
}: {
  seed: number;
  only?: string;
  tries?: number;
}): Promise<{ tried: number; held: number; failed: Failure[] }> {
  execFileSync(process.execPath, [errata, "--version"]); // makes dist/ as new as src/
  const folder = mkdtempSync(join(tmpdir(), "errata-damage-"));
  chmodSync(folder, 0o755);
  const random = Random.from(seed, "damage");
  const drawn = allTrials(only)
    .map((trial) => ({ trial, order: tries === undefined ? 0 : random.uniform() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, tries);
  const failed: Failure[] = [];
  let tried = 0;
  const commands = new Commands();
  try {
    const wholes = new Map<string, Whole>();
    for (const { trial } of drawn) {
      const { name, scene, file, kindName } = trial;
      let whole = wholes.get(name);
      if (whole === undefined)
        wholes.set(name, (whole = await makeWhole(join(folder, name), scene, commands)));
      const outcome = await tryOne(
        trial,
        whole,
        Random.from(seed, `${name} ${file.path} ${kindName}`),
        commands,
        join(folder, "trial"),
      );
      if (outcome === undefined) continue;
      tried++;
      const [first] = outcome;
      if (first === undefined) continue;
      failed.push({ scene: name, file: file.path, kind: kindName, ...first });
      for (const { command, why } of outcome)
        process.stderr.write(`${name}: ${file.path}, ${kindName}: ${command}: ${why}\n`);
    }
  } finally {
    commands.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return { tried, held: tried - failed.length, failed };
}

/** Every file of every scene, damaged in every way; those whose description holds `only`. */
function allTrials(only: string = ""): Trial[] {
  return Object.entries(SCENES)
    .flatMap(([name, scene]) =>
      scene.files.flatMap((file) =>
        Object.entries(KINDS).map(([kindName, kind]): Trial => ({
          name,
          scene,
          file,
          kindName,
          kind,
        })),
      ),
    )
    .filter(({ name, file, kindName }) => `${name} ${file.path} ${kindName}`.includes(only));
}

/** A scene without damage, and what comes of its commands. */
interface Whole {
  readonly folder: string;
  /** The same scene with other content. */
  readonly other: string;
  readonly results: ReadonlyMap<string, string>;
  /** The folder after a command that changes it. */
  readonly after: ReadonlyMap<string, string>;
}

async function makeWhole(place: string, scene: Scene, commands: Commands): Promise<Whole> {
  const [folder, other] = [join(place, "whole"), join(place, "other")];
  for (const [variant, at] of [folder, other].entries()) {
    mkdirSync(at, { recursive: true });
    give(place);
    await scene.make(at, variant, async (...args) => {
      const ended = await commands.run(at, args, environmentOf(at), PATIENCE);
      if (ended.status !== 0)
        throw new Error(`errata ${args.join(" ")}: ${ended.stderr}${ended.stdout}`);
      return ended;
    });
    give(place);
  }
  const results = new Map<string, string>();
  const after = new Map<string, string>();
  for (const [name, command] of Object.entries(scene.commands)) {
    const twice: string[] = [];
    for (const sitting of ["first", "again"]) {
      const at = join(place, `${sitting}-${name}`);
      copy(folder, at);
      const ended = await perform(commands, at, command);
      if (ended.status !== 0) throw new Error(`${name}: ${ended.stderr}${ended.stdout}`);
      twice.push(resultOf(command, at, ended));
      if (command.changes === true) after.set(name, at);
    }
    if (twice[0] !== twice[1])
      throw new Error(`${name}: twice the same gives ${firstDifference(twice[0]!, twice[1]!)}`);
    results.set(name, twice[0]!);
  }
  return { folder, other, results, after };
}

const perform = (commands: Commands, at: string, { args }: SceneCommand): Promise<Ended> =>
  commands.run(
    at,
    args.map((arg) => resolved(at, arg)),
    environmentOf(at),
    PATIENCE,
  );

const environmentOf = (folder: string): Record<string, string> => ({
  ERRATA_CACHE: join(folder, "cache"),
  HF_ENDPOINT: "http://127.0.0.1:9",
});

/** What is wrong, by command; undefined where the file cannot be damaged so. */
async function tryOne(
  { scene, file, kind }: Trial,
  whole: Whole,
  random: Random,
  commands: Commands,
  at: string,
): Promise<{ command: string; why: string }[] | undefined> {
  const path = (): string => join(at, resolved(at, file.path));
  const other = join(whole.other, resolved(whole.other, file.path));
  const faults: { command: string; why: string }[] = [];
  const spoilt = (): boolean => {
    copy(whole.folder, at);
    const done = kind.spoil({ path: path(), other, random });
    if (done) give(at, path());
    return done;
  };
  if (!spoilt()) return undefined;
  for (const [name, command] of Object.entries(scene.commands)) {
    const before = stateOf(at);
    const ended = await perform(commands, at, command);
    const why = faultOf(name, command, ended, file, kind, whole, at);
    if (why !== undefined) faults.push({ command: name, why });
    else if (ended.status !== 0) {
      const lost = before.filter((line) => !stateOf(at).includes(line) && !isEphemeral(line));
      if (lost.length > 0)
        faults.push({
          command: name,
          why: `changed or lost ${lost.map((l) => l.split(" ")[1]).join(", ")}`,
        });
      else {
        restore(whole.folder, at, resolved(at, file.path));
        const again = await perform(commands, at, command);
        const result = resultOf(command, at, again);
        if (result !== whole.results.get(name))
          faults.push({ command: name, why: `with the file put back: ${shown(result, again)}` });
        if (!spoilt()) throw new Error("a damage must be possible twice");
      }
    }
  }
  return faults;
}

/** What is wrong with how a command took a damage; undefined where nothing is. */
function faultOf(
  name: string,
  command: SceneCommand,
  ended: Ended,
  file: SceneFile,
  kind: Kind,
  whole: Whole,
  at: string,
): string | undefined {
  if (ended.status === null) return ended.stderr;
  const text = `${ended.stderr}${ended.stdout}`;
  if (/^ {4}at .+:\d+:\d+\)?$/m.test(text)) return `a raw error: ${text.slice(0, 600)}`;
  if (ended.status === 0 || !text.includes("code:")) {
    if (ended.status !== 0 && !/"(problems|outcome|checks|failed|sound)"/.test(text))
      return `status ${ended.status} without a code: ${text.slice(0, 600)}`;
    const after = whole.after.get(name);
    const result = resultOf(command, at, ended);
    const same =
      result === whole.results.get(name) &&
      (after === undefined ||
        !existsSync(join(after, "runs/hit")) ||
        differences(join(after, "runs/hit"), join(at, "runs/hit")).length === 0);
    if (same || (command.live === true && ended.status === 0)) return undefined;
    if (
      file.is === "given" &&
      (kind.plausible === true || ended.status !== 0 || saysSo(ended, file))
    )
      return undefined;
    return saysSo(ended, file)
      ? undefined
      : `another result, without a word: ${firstDifference(whole.results.get(name)!, result)}`;
  }
  if (/code: {2}INTERNAL/.test(text)) return `a raw error: ${text.slice(0, 600)}`;
  if (!/^hint: {2}\S/m.test(text) && !text.includes("\nhint"))
    return `no way out: ${text.slice(0, 400)}`;
  if (!names(text, file)) return `does not name the file: ${text.slice(0, 600)}`;
  return undefined;
}

/** Whether a message names the file, or its checkpoint. */
function names(text: string, { path }: SceneFile): boolean {
  return (
    text.includes(basename(path)) ||
    (path.includes("checkpoints/") && text.includes(basename(dirname(path))))
  );
}

const saysSo = ({ stderr, stdout }: Ended, file: SceneFile): boolean =>
  names(stderr + stdout, file) &&
  /damage|skipped|not used|cannot|missing|is no |spoilt|lost|empty|nothing to read|other bytes|no seconds|written/.test(
    stderr + stdout,
  );

const shown = (result: string, { stderr }: Ended): string =>
  `${result.slice(0, 200)} ${stderr.slice(0, 400)}`;

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return `${JSON.stringify(a.slice(Math.max(0, at - 60), at + 60))} became ${JSON.stringify(b.slice(Math.max(0, at - 60), at + 60))}`;
}

/** The status, what was printed without times, and the outputs' hashes. */
function resultOf(
  { times, outputs = [] }: SceneCommand,
  at: string,
  { status, stdout }: Ended,
): string {
  const text = (times === undefined ? stdout : stdout.replaceAll(times, "")).replaceAll(at, "");
  return [status, text, ...outputs.map((path) => hashOf(join(at, path)))].join("\n");
}

const hashOf = (path: string): string =>
  existsSync(path) ? createHash("sha256").update(readFileSync(path)).digest("hex") : "none";

/** Files that commands may make and remove as they like. */
const isEphemeral = (line: string): boolean =>
  /\.db-(shm|wal)$|lock(\.db)?$|report\.html$|\.partial$|runs\/hit\/corpus\.db$/.test(line);

/** Every file of a folder with its hash. */
function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${lstatSync(path).isFile() ? hashOf(path) : "link"} ${relative(folder, path)}`);
}

function copy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  // What SQLite makes beside a file comes and goes with whoever has it open.
  const filter = (path: string): boolean => !/\.db-(shm|wal)$/.test(path);
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter });
  give(to);
}

function restore(from: string, to: string, path: string): void {
  for (const name of [path, `${path}.moved`])
    rmSync(join(to, name), { recursive: true, force: true });
  cpSync(join(from, path), join(to, path), { preserveTimestamps: true });
  give(to);
}

/** Makes everything in a folder, or one file, whoever's who runs commands. */
function give(folder: string, path?: string): void {
  if (process.getuid?.() !== 0) return;
  for (const one of path === undefined
    ? ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })].map((name) =>
        join(folder, name),
      )
    : [path])
    if (lstatSync(one, { throwIfNoEntry: false })?.isSymbolicLink() === false)
      chownSync(one, runner, runner);
}
