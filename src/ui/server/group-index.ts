/**
 * Where each group of a run lies in its rollout files: read file by file in the background, so that a
 * long list can be filtered and paged, and a group be read by its offset.
 */
import { readdirSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GroupFilter, GroupPage, GroupSummary, RunConfig } from "../api.js";
import { sizeOf } from "./run-files.js";
import { isOwn, parseRollout, type RolloutLine } from "./rollout-line.js";

/** A group and where it lies. */
interface IndexedGroup {
  readonly summary: GroupSummary;
  readonly start: number;
  readonly end: number;
}

/** One file's groups, and what its student did wrong. */
interface IndexedStep {
  readonly step: number;
  readonly bytes: number;
  readonly groups: readonly IndexedGroup[];
  /** The student's own attempts, and how many of them made each mistake. */
  readonly own: number;
  readonly signatures: Readonly<Record<string, number>>;
}

/** The index of one run's groups. */
export class GroupIndex {
  readonly #folder: string;
  readonly #config: () => RunConfig;
  readonly #steps = new Map<number, IndexedStep>();
  #names: readonly string[] = [];
  #building: Promise<void> | undefined;

  constructor(folder: string, config: () => RunConfig) {
    this.#folder = join(folder, "rollouts");
    this.#config = config;
  }

  /** Reads the files that are new or have changed, the newest first; resolves when all are read. */
  refresh(): Promise<void> {
    this.#names = listed(this.#folder);
    this.#building ??= this.#build().finally(() => {
      this.#building = undefined;
    });
    return this.#building;
  }

  async #build(): Promise<void> {
    const there = new Set(this.#names.map(stepOf));
    for (const step of this.#steps.keys()) if (!there.has(step)) this.#steps.delete(step);
    for (const name of this.#names.toReversed()) await this.#index(name);
  }

  async #index(name: string): Promise<void> {
    const { groupSize, onPolicy } = this.#config();
    const step = stepOf(name);
    const path = join(this.#folder, name);
    if (this.#steps.get(step)?.bytes === sizeOf(path)) return;
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes !== undefined) this.#steps.set(step, indexed(step, bytes, groupSize, onPolicy));
  }

  /** A page of the groups that fit, newest step first. */
  async page(query: {
    readonly filter: GroupFilter;
    readonly text: string;
    readonly offset: number;
    readonly limit: number;
  }): Promise<GroupPage> {
    const whole = this.refresh();
    // Short runs are answered whole; long ones with what is there.
    const complete = await Promise.race([
      whole.then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, 150, false)),
    ]);
    const text = query.text.toLowerCase();
    const rows: GroupSummary[] = [];
    let total = 0;
    for (const step of [...this.#steps.keys()].sort((a, b) => b - a))
      for (const { summary } of this.#steps.get(step)!.groups) {
        if (!fits(summary, query.filter) || !summary.task.toLowerCase().includes(text)) continue;
        if (total >= query.offset && rows.length < query.limit) rows.push(summary);
        total++;
      }
    return { total, rows, complete, steps: this.#names.length };
  }

  /** The lines of one group, or undefined where there is none. */
  async group(
    step: number,
    index: number,
  ): Promise<
    { readonly summary: GroupSummary; readonly lines: readonly RolloutLine[] } | undefined
  > {
    const name = listed(this.#folder).find((file) => stepOf(file) === step);
    if (name === undefined) return undefined;
    await this.#index(name); // alone: others are read when a list needs them
    const group = this.#steps.get(step)?.groups[index];
    if (group === undefined) return undefined;
    const file = await open(join(this.#folder, name));
    try {
      const buffer = Buffer.alloc(group.end - group.start);
      await file.read(buffer, 0, buffer.length, group.start);
      const lines = buffer
        .toString("utf8")
        .split("\n")
        .flatMap((line) => parseRollout(line) ?? []);
      return { summary: group.summary, lines };
    } finally {
      await file.close();
    }
  }

  /** By step: the share of the student's own attempts that made each mistake. */
  shares(): {
    readonly step: number;
    readonly own: number;
    readonly signatures: Readonly<Record<string, number>>;
  }[] {
    return [...this.#steps.values()].sort((a, b) => a.step - b.step);
  }

  /** Whether every file there is has been read. */
  get complete(): boolean {
    return this.#names.every((name) => this.#steps.has(stepOf(name)));
  }
}

const stepOf = (name: string): number => Number(name.slice(5, -6));

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^step-\d+\.jsonl$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

function fits(group: GroupSummary, filter: GroupFilter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "stuck":
      return group.stuck;
    case "rescued":
      return group.rescued;
    case "mixed":
      return group.right > 0 && group.right < group.size;
    case "steered":
      return group.steered > 0;
    case "guided":
      return group.guided > 0;
  }
}

/** Cuts a file into groups: consecutive lines of one task, at most `groupSize` not counting a teacher's. */
function indexed(step: number, bytes: Buffer, groupSize: number, onPolicy: number): IndexedStep {
  const groups: IndexedGroup[] = [];
  const signatures: Record<string, number> = {};
  let own = 0;
  let lines: RolloutLine[] = [];
  let start = 0;
  const close = (end: number): void => {
    if (lines.length > 0)
      groups.push({ summary: summarised(step, groups.length, lines, onPolicy), start, end });
    lines = [];
    start = end;
  };
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    if (end === -1) break;
    const line = parseRollout(bytes.toString("utf8", at, end));
    if (line !== undefined) {
      const full = lines.length >= groupSize && line.guided === undefined;
      if (lines.length > 0 && (lines[0]!.task !== line.task || full)) close(at);
      lines.push(line);
      if (isOwn(line)) {
        own++;
        if (line.signature !== undefined)
          signatures[line.signature] = (signatures[line.signature] ?? 0) + 1;
      }
    }
    at = end + 1;
  }
  close(bytes.length);
  return { step, bytes: bytes.length, groups, own, signatures };
}

function summarised(
  step: number,
  index: number,
  lines: readonly RolloutLine[],
  onPolicy: number,
): GroupSummary {
  const { task, level } = lines[0]!;
  const right = lines.filter((line) => line.correct).length;
  const stuck = lines.slice(0, onPolicy).every((line) => !line.correct);
  return {
    step,
    index,
    task,
    level,
    size: lines.length,
    right,
    steered: lines.filter((line) => line.offPolicy || line.steeredBy !== undefined).length,
    guided: lines.filter((line) => line.guided !== undefined).length,
    stuck,
    rescued: stuck && right > 0,
  };
}
