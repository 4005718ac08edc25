/**
 * What arrives while a run trains: traces and partners put in its `inbox/`, verdicts of reviewers.
 *
 *     inbox/*.jsonl          attempts, one a line: {"task": {...}, "actions": [...], "source": "..."}
 *     inbox/*.safetensors    a weak partner of the student's vocabulary, named by its file
 *     reviews.jsonl          verdicts, appended by `errata corpus review`
 *     arrivals.jsonl         what was taken at which step
 *
 * Everything is taken at a refit and written down, so a resumed run takes the same at the same step
 * and ends with the same bytes. Files that were taken must stay as they are.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
} from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { ErrataError } from "../util/error.js";
import { countOrNone } from "../util/options.js";
import { replaceFile } from "../util/replace-file.js";

/** One file taken. */
export interface ArrivedFile {
  readonly name: string;
  readonly sha256: string;
}

/** What was taken at one step. */
export interface Arrival {
  readonly step: number;
  readonly files: readonly ArrivedFile[];
  /** Bytes of `reviews.jsonl` taken so far. */
  readonly reviewBytes: number;
}

const arrivalSchema = z.object({
  step: countOrNone,
  files: z.array(z.object({ name: z.string(), sha256: z.string() })),
  reviewBytes: countOrNone,
});

const inboxName = "inbox";
const arrivalsName = "arrivals.jsonl";

/** Where reviewers' verdicts wait for a run. */
export const reviewsName = "reviews.jsonl";

/** The inbox of one run. */
export class Inbox {
  readonly #folder: string;
  #recorded: readonly Arrival[];
  #pending: Arrival | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#recorded = readArrivals(folder);
  }

  /**
   * What arrives at a step: what was taken then before, or what is there now.
   * @throws ErrataError `INBOX_CHANGED` when a file that was taken has changed or gone.
   */
  take(step: number): { readonly arrival: Arrival; readonly reviews: string } {
    const before = this.#recorded.findLast((a) => a.step < step);
    const known = this.#recorded.find((a) => a.step === step);
    const from = before?.reviewBytes ?? 0;
    const arrival = known ?? this.#scan(step, from);
    for (const { name, sha256 } of arrival.files) {
      const path = this.path(name);
      if (existsSync(path) && hashOf(path) === sha256) continue;
      throw new ErrataError(`${path} was taken at step ${step} and has changed since`, {
        code: "INBOX_CHANGED",
        hint: "put the file back as it was, or start a new run",
      });
    }
    if (known === undefined) this.#pending = arrival;
    return { arrival, reviews: this.#reviews(from, arrival.reviewBytes) };
  }

  /** Path of a file of the inbox. */
  path(name: string): string {
    return join(this.#folder, inboxName, name);
  }

  /** Partners that had joined before a step, the earliest first. */
  partnersBefore(step: number): ArrivedFile[] {
    return this.#recorded.filter((a) => a.step < step).flatMap((a) => a.files.filter(isPartner));
  }

  /** Writes down what the step that ends has taken. */
  commit(): void {
    if (this.#pending === undefined) return;
    this.#recorded = [...this.#recorded, this.#pending];
    this.#pending = undefined;
    const lines = this.#recorded.map((arrival) => `${JSON.stringify(arrival)}\n`);
    replaceFile(join(this.#folder, arrivalsName), lines.join(""));
  }

  /** Forgets what an abandoned step had taken: it is taken again. */
  rollback(): void {
    this.#pending = undefined;
  }

  #scan(step: number, reviewsFrom: number): Arrival {
    const taken = new Set(this.#recorded.flatMap((a) => a.files.map((f) => f.name)));
    const inbox = join(this.#folder, inboxName);
    const names = existsSync(inbox) ? readdirSync(inbox).toSorted() : [];
    const files = names
      .filter((name) => /^[^.].*\.(jsonl|safetensors)$/.test(name) && !taken.has(name))
      .map((name) => ({ name, sha256: hashOf(join(inbox, name)) }));
    const reviews = join(this.#folder, reviewsName);
    // Only whole lines: a reviewer may be writing.
    const bytes = existsSync(reviews) ? readFileSync(reviews).lastIndexOf(10) + 1 : 0;
    return { step, files, reviewBytes: Math.max(bytes, reviewsFrom) };
  }

  #reviews(from: number, to: number): string {
    return to <= from
      ? ""
      : readFileSync(join(this.#folder, reviewsName)).subarray(from, to).toString("utf8");
  }
}

/** Whether an arrived file is a partner's weights. */
export function isPartner({ name }: Pick<ArrivedFile, "name">): boolean {
  return name.endsWith(".safetensors");
}

/** The name a partner joins under: that of its file. */
export function partnerName({ name }: Pick<ArrivedFile, "name">): string {
  return basename(name, ".safetensors");
}

/**
 * Puts a copy of a file into a run's inbox, whole or not at all; it is used from the next refit.
 * Returns the name it got there.
 * @throws ErrataError `INBOX_FILE` on a file that is neither `.jsonl` nor `.safetensors`,
 *   `INBOX_EXISTS` when the inbox holds another file of its name.
 */
export function deliver(runFolder: string, file: string): string {
  const name = basename(file);
  if (!/\.(jsonl|safetensors)$/.test(name) || name.startsWith("."))
    throw new ErrataError(`${file} is neither attempts (.jsonl) nor a partner (.safetensors)`, {
      code: "INBOX_FILE",
      hint: "give a .jsonl of attempts, one a line, or a partner's .safetensors",
    });
  const inbox = join(runFolder, inboxName);
  mkdirSync(inbox, { recursive: true });
  const target = join(inbox, name);
  if (existsSync(target) && hashOf(target) !== hashOf(file))
    throw new ErrataError(`${target} is another file of that name`, {
      code: "INBOX_EXISTS",
      hint: "rename the file: what a run has taken must not change",
    });
  const partial = join(inbox, `.${process.pid}.partial`);
  copyFileSync(file, partial);
  renameSync(partial, target);
  return name;
}

/** Bytes of `reviews.jsonl` that a run has applied. */
export function appliedReviewBytes(runFolder: string): number {
  return readArrivals(runFolder).at(-1)?.reviewBytes ?? 0;
}

function readArrivals(folder: string): Arrival[] {
  const path = join(folder, arrivalsName);
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  // A line cut off by a kill was never acted on by a step that ended.
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .flatMap((line, i) => (line === "" ? [] : [readArrival(line, `${path}:${i + 1}`)]));
}

function readArrival(line: string, where: string): Arrival {
  try {
    return arrivalSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new ErrataError(`${where} is no line that a run wrote`, {
      code: "FILE_DAMAGED",
      hint: "put the file back from a copy, or begin again under another --name: it says what the run took at which step",
      cause,
    });
  }
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
