/**
 * Tells trackers of a run, from its folder alone: whoever trains never waits for one, and one that is down
 * is told later, or at the next resume. `trackers.json` in the run's folder says how many lines of
 * `metrics.jsonl` each has got: a resumed run writes the same lines again, which are then passed over.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { readJsonAs } from "../../util/read-json.js";
import { replaceFile } from "../../util/replace-file.js";
import { TensorBoard } from "./tensorboard.js";
import { scalarsOf, type Batch, type Tracker } from "./tracker.js";
import type { TrackerName } from "./options.js";
import { Trackio } from "./trackio.js";
import { rolloutText } from "./rollout-text.js";

/** What a tracker has got. */
interface Progress {
  /** Lines of `metrics.jsonl`. */
  readonly lines: number;
  /** Lines were being sent when this was written: they may have arrived. */
  readonly sending?: true | undefined;
}

const stateSchema = z.object({
  id: z.string().min(1),
  trackers: z.record(
    z.string(),
    z.object({ lines: z.int().min(0), sending: z.literal(true).optional() }),
  ),
});

const stateFile = "trackers.json";
/** Steps sent at once. */
const mostAtOnce = 100;
/** Longest pause after failures, in milliseconds. */
const longestPause = 30_000;
/** How long the end of a run waits for a tracker that is down, in milliseconds. */
const patience = 5000;

export interface TrackingOptions {
  readonly folder: string;
  readonly names: readonly TrackerName[];
  /** The run's configuration, as told to trackers. */
  readonly config: object;
  /** Called once per tracker that does not take what it is sent. */
  readonly onTrouble: (message: string) => void;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Tells trackers of one sitting of a run. */
export class Tracking {
  readonly #senders: readonly Sender[];

  constructor(options: TrackingOptions) {
    const state = new State(join(options.folder, stateFile));
    this.#senders = makers(options, state).map(
      ({ name, make }) => new Sender(options.folder, name, make, state, options.onTrouble),
    );
  }

  /**
   * Reads what trackers know of the run in `folder`: before it is carried on, when a fault can still be told.
   * @throws ErrataError `FILE_DAMAGED`.
   */
  static check(folder: string): void {
    new State(join(folder, stateFile));
  }

  /** There are new lines. Returns at once. */
  wake(): void {
    for (const sender of this.#senders) sender.wake();
  }

  /** Sends what is left, as far as trackers answer. */
  async close(): Promise<void> {
    await Promise.all(this.#senders.map((sender) => sender.close()));
  }
}

/** Progress of all trackers, in one file. */
class State {
  /** The run, whatever its folder is called: another one that takes the name is another run. */
  readonly id: string;
  readonly #path: string;
  readonly #known: Record<string, Progress>;

  constructor(path: string) {
    this.#path = path;
    const hint = `delete ${path}: trackers are then sent the run from its first step, as another run`;
    const { id, trackers } = existsSync(path)
      ? readJsonAs(path, stateSchema, hint)
      : { id: randomUUID(), trackers: {} };
    this.id = id;
    this.#known = { ...trackers };
  }

  of(name: string): Progress {
    return this.#known[name] ?? { lines: 0 };
  }

  set(name: string, progress: Progress): void {
    this.#known[name] = progress;
    const kept = { id: this.id, trackers: this.#known };
    replaceFile(this.#path, `${JSON.stringify(kept, null, 2)}\n`);
  }
}

interface Maker {
  readonly name: string;
  readonly make: () => Tracker;
}

function makers(
  { folder, names, config, environment = process.env }: TrackingOptions,
  state: State,
): Maker[] {
  const run = basename(resolve(folder));
  const settings = flat(config);
  const wanted = new Set(names.map((name) => (name === "wandb" ? "tensorboard" : name)));
  return [...wanted].map((name): Maker => {
    if (name === "tensorboard") {
      const repeats = state.of(name).sending === true;
      const options = { folder: join(folder, "tensorboard"), run, config: settings, repeats };
      return { name, make: () => new TensorBoard(options) };
    }
    return {
      name,
      make: () =>
        new Trackio({
          project: environment["TRACKIO_PROJECT"] ?? "errata",
          run,
          runId: state.id,
          config: settings,
          address: environment["TRACKIO_SERVER_URL"],
          token: environment["TRACKIO_WRITE_TOKEN"],
        }),
    };
  });
}

/** Numbers, texts and switches of a configuration, by dotted key. */
function flat(config: object): Record<string, string | number | boolean> {
  const found: Record<string, string | number | boolean> = {};
  const visit = (key: string, value: unknown): void => {
    if (typeof value === "number" || typeof value === "string" || typeof value === "boolean")
      found[key] = value;
    else if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [name, part] of Object.entries(value))
        visit(key === "" ? name : `${key}.${name}`, part);
  };
  visit("", config);
  return found;
}

/** One tracker: sends in the background, again after failures. */
class Sender {
  readonly #folder: string;
  readonly #name: string;
  readonly #tracker: Tracker;
  readonly #state: State;
  readonly #onTrouble: (message: string) => void;
  #running: Promise<void> | undefined;
  #again = false;
  #closing = false;
  #closed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    folder: string,
    name: string,
    make: () => Tracker,
    state: State,
    onTrouble: (message: string) => void,
  ) {
    this.#folder = folder;
    this.#name = name;
    this.#tracker = make();
    this.#state = state;
    this.#onTrouble = onTrouble;
  }

  wake(): void {
    if (this.#closed || this.#timer !== undefined) return; // it was down: it is asked again after a pause
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#pump().finally(() => {
      this.#running = undefined;
      if (this.#again && this.#timer === undefined) {
        this.#again = false;
        this.wake();
      }
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const end = Date.now() + patience;
    const late = new Promise<void>((resolve) => setTimeout(resolve, patience).unref());
    await Promise.race([this.#running ?? Promise.resolve(), late]);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (Date.now() < end) {
      this.wake();
      await Promise.race([this.#running ?? Promise.resolve(), late]);
    }
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#tracker.close();
  }

  async #pump(): Promise<void> {
    for (;;) {
      const { lines } = this.#state.of(this.#name);
      const { batches, upTo } = this.#unsent(lines);
      if (batches.length === 0) return;
      try {
        this.#state.set(this.#name, { lines, sending: true });
        await this.#tracker.send(batches);
        this.#state.set(this.#name, { lines: upTo });
        this.#failures = 0;
      } catch (error) {
        this.#failed(error as Error);
        return;
      }
    }
  }

  #failed(error: Error): void {
    this.#again = false;
    if (this.#failures++ === 0)
      this.#onTrouble(
        `${this.#name} cannot be reached: ${error.message}; training goes on, what is missing is sent when it can be, or at the next --resume`,
      );
    if (this.#closing) return;
    const pause = Math.min(longestPause, 1000 * 2 ** this.#failures);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.wake();
    }, pause);
    this.#timer.unref();
  }

  /** The next steps that were not sent, at most so many; a step is sent whole. */
  #unsent(lines: number): { readonly batches: Batch[]; readonly upTo: number } {
    const text = readFileSync(join(this.#folder, "metrics.jsonl"), "utf8");
    const all = text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .slice(0, -1);
    const batches: Batch[] = [];
    let upTo = lines;
    let open: { step: number; scalars: Record<string, number>; whole: boolean } | undefined;
    const close = (): void => {
      if (open === undefined) return;
      const { step, scalars, whole } = open;
      const rollouts = whole ? rolloutText(this.#folder, step) : undefined;
      batches.push({
        step,
        scalars,
        ...(rollouts === undefined ? {} : { text: rollouts }),
      });
      open = undefined;
    };
    for (let i = lines; i < all.length && batches.length < mostAtOnce; i++) {
      const line = JSON.parse(all[i]!) as Record<string, unknown> & { step: number };
      if (open !== undefined && open.step !== line.step) {
        close();
        upTo = i;
      }
      open ??= { step: line.step, scalars: {}, whole: false };
      Object.assign(open.scalars, scalarsOf(line));
      if (!("rollout/accuracy" in line)) continue;
      open.whole = true;
      close();
      upTo = i + 1;
    }
    // The evaluation that a run ends with has no step after it.
    if (open !== undefined && this.#closing) {
      close();
      upTo = all.length;
    }
    return { batches, upTo };
  }
}
