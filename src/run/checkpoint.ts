/** Checkpoints of a run: its state on disk, whole or not at all. */
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Bill } from "../util/bill.js";
import { ErrataError } from "../util/error.js";
import type { AlarmState } from "../watch/alarms.js";
import { loadHead, saveHead } from "../learn/contrast-head.js";
import type { Race } from "../play/race.js";
import type { CurriculumState } from "../play/curriculum.js";
import type { Engine } from "../engine/engine.js";
import type { Expert } from "../experts/expert.js";
import type { Cost, CostRole } from "../watch/ledger.js";
import type { RunState } from "./state.js";
import { readJson } from "../util/read-json.js";
import { synchronise } from "../util/replace-file.js";
import { checksumOf, checksumsIn, textSha256, type Checksum } from "./checksums.js";
import type { SelfPlayState } from "../partners/self-play-state.js";
import type { Setup } from "./setup.js";
import type { TeacherBudgetState } from "../teacher/budget.js";

/** What `state.json` of a checkpoint holds: all but the weights and the corpus. */
export interface SavedState {
  readonly step: number;
  readonly finished: boolean;
  readonly metricsBytes: number;
  /** Of those bytes; absent in checkpoints of earlier versions, as are `files` and `sha256`. */
  readonly metricsSha256?: string;
  /** Of every other file of the checkpoint, by name. */
  readonly files?: Readonly<Record<string, Checksum>>;
  readonly skipped: number;
  readonly curriculum: CurriculumState;
  readonly alarms: AlarmState;
  readonly committed: readonly [string, string][];
  /** Absent where it is not found out in training who steers. */
  readonly race?: Race;
  readonly experts: readonly { signature: string; traces: number; fittedAt: number }[];
  readonly ledger: Readonly<Record<CostRole, Cost>>;
  readonly teacher: TeacherBudgetState;
  readonly selfPlay: SelfPlayState;
  /** Answers of partners behind URLs, by name; absent where there are none. */
  readonly remoteCalls?: Readonly<Record<string, number>>;
  /** What models behind URLs were paid for; absent where nothing was. */
  readonly bills?: readonly Bill[];
}

/** The projection of the contrastive loss, in a checkpoint. */
const contrastFile = "contrast.safetensors";

/** An expert in a checkpoint; an environment may name its signatures with any characters. */
const expertFile = (signature: string): string =>
  `expert-${encodeURIComponent(signature)}.safetensors`;

/** Checkpoints kept. */
const keptCheckpoints = 2;

/** Name of what belongs to a step, in the order of steps. */
export const stepName = (step: number): string => `step-${String(step).padStart(6, "0")}`;

/** What {@link writeCheckpoint} saves beside a run's state. */
export interface CheckpointParts extends Pick<
  SavedState,
  "finished" | "metricsBytes" | "curriculum" | "ledger" | "remoteCalls" | "bills"
> {
  /** Copies the corpus to a path. */
  readonly snapshot: (path: string) => void;
}

/** Writes the checkpoint of a step, and drops all but the last two. */
export async function writeCheckpoint(
  engine: Engine,
  folder: string,
  state: RunState,
  { snapshot, ...parts }: CheckpointParts,
): Promise<void> {
  const { step, student, optimizer, experts, committed, skipped, contrast } = state;
  const target = join(folder, "checkpoints", stepName(step));
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  // The corpus first, and without waiting: everything else written here never changes.
  snapshot(join(partial, "corpus.db"));
  const log = await checksumOf(join(folder, "metrics.jsonl"), parts.metricsBytes);
  const saved: Omit<SavedState, "files"> = {
    step,
    finished: parts.finished,
    metricsBytes: log.bytes,
    metricsSha256: log.sha256,
    skipped,
    curriculum: parts.curriculum,
    alarms: state.alarms,
    committed: [...committed],
    ...(state.race === undefined ? {} : { race: state.race }),
    experts: [...experts.values()].map(({ signature, traces, fittedAt }) => ({
      signature,
      traces,
      fittedAt,
    })),
    ledger: parts.ledger,
    teacher: state.teacher,
    selfPlay: state.selfPlay,
    ...(parts.remoteCalls === undefined ? {} : { remoteCalls: parts.remoteCalls }),
    ...(parts.bills === undefined ? {} : { bills: parts.bills }),
  };
  if (contrast !== undefined) await saveHead(join(partial, contrastFile), contrast);
  await engine.save(join(partial, "model.safetensors"), student);
  await engine.saveOptimizer(join(partial, "optimizer.safetensors"), optimizer);
  for (const { signature, policy } of experts.values())
    await engine.save(join(partial, expertFile(signature)), policy);
  writeState(join(partial, "state.json"), { ...saved, files: await checksumsIn(partial) });
  takePlace(partial, target);
  for (const old of checkpoints(folder).slice(0, -keptCheckpoints))
    rmSync(join(folder, "checkpoints", old), { recursive: true, force: true });
}

/** Puts a checkpoint that was written whole in the place of another, which stays whole until then. */
function takePlace(partial: string, target: string): void {
  for (const name of readdirSync(partial)) synchronise(join(partial, name));
  const old = `${target}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(target)) renameSync(target, old);
  renameSync(partial, target);
  synchronise(dirname(target));
  rmSync(old, { recursive: true, force: true });
}

/** Gives a checkpoint another corpus, which `snapshot` writes: with its checksum, whole or not at all. */
export async function replaceCorpus(
  checkpoint: string,
  snapshot: (path: string) => void,
): Promise<void> {
  const partial = `${checkpoint}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  const [state, corpus] = ["state.json", "corpus.db"] as const;
  for (const name of readdirSync(checkpoint))
    if (name !== state && name !== corpus)
      copyFileSync(join(checkpoint, name), join(partial, name), constants.COPYFILE_FICLONE);
  snapshot(join(partial, corpus));
  const { files, ...saved } = readState(checkpoint);
  const sum = await checksumOf(join(partial, corpus));
  const sums = files === undefined ? {} : { files: { ...files, [corpus]: sum } };
  writeState(join(partial, state), { ...saved, ...sums });
  takePlace(partial, checkpoint);
}

/** Reads a checkpoint, and removes what is left of others that were being written. */
export async function readCheckpoint(
  checkpoint: string,
  { engine, base }: Pick<Setup, "engine" | "base">,
): Promise<{ readonly state: RunState; readonly saved: SavedState }> {
  const parent = dirname(checkpoint);
  for (const name of readdirSync(parent))
    if (name.endsWith(".partial")) rmSync(join(parent, name), { recursive: true });
  const at = (file: string): string => join(checkpoint, file);
  const saved = readState(checkpoint);
  const experts = new Map<string, Expert>();
  for (const expert of saved.experts) {
    const policy = await engine.restore(at(expertFile(expert.signature)), { base });
    experts.set(expert.signature, { ...expert, policy });
  }
  const state: RunState = {
    step: saved.step,
    student: await engine.restore(at("model.safetensors"), { base }),
    optimizer: await engine.restoreOptimizer(at("optimizer.safetensors")),
    experts,
    committed: new Map(saved.committed),
    ...(saved.race === undefined ? {} : { race: saved.race }),
    skipped: saved.skipped,
    alarms: saved.alarms,
    teacher: saved.teacher,
    selfPlay: saved.selfPlay,
    ...(existsSync(at(contrastFile)) ? { contrast: await loadHead(at(contrastFile)) } : {}),
  };
  return { state, saved };
}

/** Writes a state with its own SHA-256 in it. */
function writeState(path: string, saved: SavedState): void {
  const sha256 = textSha256(JSON.stringify(saved));
  writeFileSync(path, `${JSON.stringify({ sha256, ...saved })}\n`);
}

/**
 * The state of a checkpoint, found to be as it was written.
 * @throws ErrataError `FILE_DAMAGED` where it is not.
 */
export function readState(checkpoint: string): SavedState {
  const path = join(checkpoint, "state.json");
  const hint = `errata train --resume goes back to the checkpoint before, once ${checkpoint} is moved away`;
  const { sha256, ...saved } = readJson(path, hint) as SavedState & { readonly sha256?: string };
  const whole = sha256 === undefined || sha256 === textSha256(JSON.stringify(saved));
  if (whole && Number.isInteger(saved.step)) return saved;
  throw new ErrataError(`${path} has other bytes than were written`, {
    code: "FILE_DAMAGED",
    hint,
  });
}

/** Folders of checkpoints, the earliest first; an old one counts where its successor never took its place. */
export function checkpoints(folder: string): string[] {
  const parent = join(folder, "checkpoints");
  if (!existsSync(parent)) return [];
  const folders = readdirSync(parent, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && readdirSync(join(parent, entry.name)).length > 0,
  );
  const names = new Set(folders.map(({ name }) => name));
  return [...names]
    .filter((name) => /^step-\d+(\.old)?$/.test(name))
    .filter((name) => !names.has(name.replace(".old", "")) || !name.endsWith(".old"))
    .sort();
}

/** The folder of a run's last checkpoint, be it damaged. */
export function lastCheckpoint(folder: string): string | undefined {
  const last = checkpoints(folder).at(-1);
  return last === undefined ? undefined : join(folder, "checkpoints", last);
}
