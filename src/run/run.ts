/**
 * A run: a folder of plain files, and the state that training changes.
 *
 *     config.json                 the resolved configuration
 *     metrics.jsonl               one line a step, evaluation or probe; deterministic
 *     rollouts/step-000012.jsonl  one line a rollout
 *     corpus.db                   the mistakes, as of the last finished step
 *     checkpoints/step-000025/    model, optimizer and experts as safetensors, corpus.db, state.json
 *     log.jsonl                   times and notices
 *
 * A step is all or nothing: the corpus changes in one transaction, lines are written when the step
 * ends. Everything random is drawn from (seed, purpose, step), so a checkpoint needs no generator
 * states, and 2N steps equal N steps, a kill, a resume and N steps, byte for byte.
 */
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import pino from "pino";
import type { Alarm, AlarmState } from "../watch/alarms.js";
import type { Config } from "../config/config.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { Curriculum, type CurriculumState } from "../play/curriculum.js";
import type { Engine, TrainResult } from "../engine/engine.js";
import { ErrataError } from "../util/error.js";
import type { Expert } from "../experts/expert.js";
import { Inbox, partnerName, type ArrivedFile } from "./inbox.js";
import { partnerOr } from "./partner-file.js";
import { Ledger, type Cost, type CostRole, type Exceeded, type Meter } from "../watch/ledger.js";
import type { Race } from "../play/race.js";
import type { MetricsLine } from "../watch/metrics.js";
import { readCheckpoint, stepName, writeCheckpoint, type SavedState } from "./checkpoint.js";
import { Partners } from "../partners/partner.js";
import { readJson } from "../util/read-json.js";
import { replaceFile, synchronise } from "../util/replace-file.js";
import { lockRun } from "./lock.js";
import { clearUnbegun, holdsCheckpoint, lastSoundCheckpoint, setAside } from "./recover.js";
import { readSeconds, writeSeconds } from "./seconds.js";
import { freshState, type RunState } from "./state.js";
import type { Setup } from "./setup.js";
import type { MeteredUser } from "../partners/simulated-user.js";

/** Skipped updates in a row after which a run stops. */
const mostSkipped = 3;

/** What a step hands its run when it ends. */
export interface StepEnd {
  /** Its line of `metrics.jsonl`. */
  readonly line: MetricsLine;
  /** What `rollouts/step-*.jsonl` holds of it; absent, no such file is written. */
  readonly rollouts?: string;
  /** The alarms it raised, and what they remember. */
  readonly alarms: { readonly raised: readonly Alarm[]; readonly state: AlarmState };
  /** The student's update; absent where there was nothing to learn. */
  readonly update?:
    | Pick<TrainResult, "policy" | "optimizer" | "finite" | "gradientNorm">
    | undefined;
  /** What optional mechanisms remember from here on; of one that is left out, what it did before. */
  readonly remembered?: Partial<Pick<RunState, "teacher" | "selfPlay" | "contrast">>;
}

export class Run {
  readonly folder: string;
  readonly corpus: Corpus;
  readonly curriculum: Curriculum;
  readonly ledger: Ledger;
  /** Who plays beside the student: the setup's partners, and those that joined since. */
  readonly partners: Partners;
  /** What arrives while the run trains. */
  readonly inbox: Inbox;
  /** The step at which a run that is extended was evaluated when it was finished before. */
  readonly evaluatedAt: number | undefined;
  /** Called with every line written to `metrics.jsonl`. */
  onLine: ((line: MetricsLine) => void) | undefined;
  readonly #engine: Engine;
  readonly #config: Config;
  readonly #user: MeteredUser | undefined;
  readonly #logger: pino.Logger;
  readonly #unlock: () => void;
  #state: RunState;
  #finished: boolean;
  #lines: MetricsLine[] = [];
  #savedAt = performance.now();
  readonly #recoveries: string[] = [];
  #open = false;
  /** Set by {@link Run.abandon}. */
  #abandoned: Promise<void> | undefined;
  /** The checkpoint being written, if one is. */
  #writing: Promise<void> | undefined;
  /** What {@link Run.abandon} goes back to. */
  #before: {
    state: RunState;
    curriculum: CurriculumState;
    ledger: Readonly<Record<CostRole, Cost>>;
  };

  private constructor(
    folder: string,
    setup: Setup,
    state: RunState,
    corpus: Corpus,
    unlock: () => void,
    saved?: SavedState,
  ) {
    const { config, pool, preset } = setup;
    const { user } = preset;
    this.folder = folder;
    this.#unlock = unlock;
    this.#engine = setup.engine;
    this.#config = config;
    this.#state = state;
    this.#finished = saved?.finished === true && saved.step >= config.steps;
    this.evaluatedAt = saved === undefined ? undefined : lastEvaluation(folder);
    this.curriculum = new Curriculum(pool, saved?.curriculum, config.curriculum);
    this.partners = new Partners(setup);
    for (const [name, partner] of this.partners.remote)
      partner.resume(saved?.remoteCalls?.[name] ?? 0);
    this.ledger = new Ledger(meterOf(setup), saved?.ledger, readSeconds(folder), saved?.bills);
    this.#user = user;
    user?.chargeTo(this.ledger);
    this.inbox = new Inbox(folder);
    this.corpus = corpus;
    this.#before = { state, curriculum: this.curriculum.state, ledger: this.ledger.totals };
    this.#logger = pino(
      { base: null },
      pino.destination({ dest: join(folder, "log.jsonl"), sync: true }),
    );
  }

  /**
   * Starts a run in a new folder, or anew in one whose run ended before its first checkpoint.
   * @throws ErrataError `RUN_BUSY` while another process works on a run there, `RUN_EXISTS` when the
   *   folder already holds one.
   */
  static async create(folder: string, setup: Setup): Promise<Run> {
    mkdirSync(folder, { recursive: true });
    const unlock = lockRun(folder);
    if (holdsCheckpoint(folder)) {
      unlock();
      throw new ErrataError(`${folder} already holds a run`, {
        code: "RUN_EXISTS",
        hint: "add --resume to carry on, or choose another --name",
      });
    }
    clearUnbegun(folder);
    mkdirSync(join(folder, "rollouts"), { recursive: true });
    mkdirSync(join(folder, "checkpoints"), { recursive: true });
    replaceFile(join(folder, "config.json"), `${JSON.stringify(setup.config, null, 2)}\n`);
    writeFileSync(join(folder, "metrics.jsonl"), "");
    const corpus = Corpus.open(join(folder, "corpus.db"), setup.config.corpus);
    const run = new Run(folder, setup, freshState(setup.engine, setup.base), corpus, unlock);
    run.corpus.registerHeldOut(
      setup.environment.name,
      setup.heldOut.map((t) => t.id),
    );
    await run.save();
    return run;
  }

  /**
   * Opens a run at its last checkpoint; what was written after it is discarded and will be
   * computed again. With more steps in `setup.config` than it was started with, a finished run goes on:
   * what is annealed over a run is from here on annealed over the longer one.
   * @throws ErrataError `RUN_MISSING` without a checkpoint, `RUN_BUSY` while another process trains it.
   */
  static async resume(folder: string, setup: Setup): Promise<Run> {
    const unlock = lockRun(folder);
    try {
      return await Run.#resumeLocked(folder, setup, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  static async #resumeLocked(folder: string, setup: Setup, unlock: () => void): Promise<Run> {
    const found = await lastSoundCheckpoint(folder);
    if (found === undefined)
      throw new ErrataError(`${folder} holds no checkpoint`, {
        code: "RUN_MISSING",
        hint: "leave out --resume to begin it again",
      });
    const { checkpoint, damaged } = found;
    const { state, saved } = await readCheckpoint(checkpoint, setup);
    const notices = damaged.map(({ checkpoint: spoilt, damage }) => ({
      damage,
      movedTo: setAside(spoilt),
      from: saved.step,
    }));
    truncateSync(join(folder, "metrics.jsonl"), saved.metricsBytes); // checked: it is at least as long
    const corpus = Corpus.restore(
      join(checkpoint, "corpus.db"),
      join(folder, "corpus.db"),
      setup.config.corpus,
    );
    const run = new Run(folder, setup, state, corpus, unlock, saved);
    recordChanges(folder, setup.config);
    for (const notice of notices) run.#recover(notice);
    for (const file of run.inbox.partnersBefore(saved.step)) await run.joinPartner(file);
    return run;
  }

  get state(): RunState {
    return this.#state;
  }

  /** Whether all configured steps are done and evaluated. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Lets a partner that arrived play from now on; a file that is none is skipped, with a notice. */
  async joinPartner(file: ArrivedFile): Promise<boolean> {
    const policy = await partnerOr(
      this.#engine,
      this.inbox.path(file.name),
      this.#state.student.shape.vocabulary,
      (problem) => this.notice({ problem }, "a partner was skipped"),
    );
    if (policy !== undefined) this.partners.join(partnerName(file), policy);
    return policy !== undefined;
  }

  /** Seconds since the last checkpoint, or since this sitting began. */
  get secondsSinceSave(): number {
    return (performance.now() - this.#savedAt) / 1000;
  }

  /** What was damaged and what was done about it, in words; empty where all was whole. */
  get recoveries(): readonly string[] {
    return this.#recoveries;
  }

  #recover(notice: {
    readonly damage: string;
    readonly movedTo: string;
    readonly from: number;
  }): void {
    this.notice(notice, "a damaged checkpoint was set aside");
    this.#recoveries.push(
      `${notice.damage}: its checkpoint is now ${notice.movedTo}, and the run goes on from step ${notice.from}`,
    );
  }

  /** A notice with the time of day, to `log.jsonl`. */
  notice(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#logger.info(fields, message);
  }

  beginStep(): void {
    this.#refuseAbandoned();
    this.#before = {
      state: this.#state,
      curriculum: this.curriculum.state,
      ledger: this.ledger.totals,
    };
    this.#lines = [];
    this.corpus.begin();
    this.#open = true;
  }

  /** Keeps a line for `metrics.jsonl`, written when the step ends. */
  log(line: MetricsLine): void {
    this.#lines.push(line);
  }

  setExpert(expert: Expert): void {
    const experts = new Map(this.#state.experts).set(expert.signature, expert);
    this.#state = { ...this.#state, experts };
  }

  /** Drops an expert whose mistakes were revoked. */
  removeExpert(signature: string): void {
    const experts = new Map(this.#state.experts);
    experts.delete(signature);
    const committed = new Map([...this.#state.committed].filter(([, name]) => name !== signature));
    this.#state = { ...this.#state, experts, committed };
  }

  /** The limit of the configured budget, or of a simulated user, that is spent, if one is. */
  get overBudget(): Exceeded | undefined {
    const { budget, prices, engine } = this.#config;
    return this.ledger.exceeded(budget, prices, engine.provider) ?? this.#user?.exceeded;
  }

  /** What is known of who steers. */
  setRace(race: Race): void {
    this.#state = { ...this.#state, race };
  }

  commitExpert(level: string, signature: string | undefined): void {
    const committed = new Map(this.#state.committed);
    if (signature === undefined) committed.delete(level);
    else committed.set(level, signature);
    this.#state = { ...this.#state, committed };
  }

  /**
   * Ends a step: the corpus commits, its lines are written, and the state becomes the next.
   * @throws ErrataError `TRAINING_NOT_FINITE` after three skipped updates, with the run saved.
   */
  async endStep({ line, rollouts, alarms, update, remembered }: StepEnd): Promise<void> {
    const { step, skipped } = this.#state;
    const finite = update?.finite ?? true;
    this.log(line);
    if (rollouts !== undefined)
      writeFileSync(join(this.folder, "rollouts", `${stepName(step)}.jsonl`), rollouts);
    this.#commit({
      ...this.#state,
      ...remembered,
      ...(update === undefined ? {} : { student: update.policy, optimizer: update.optimizer }),
      step: step + 1,
      skipped: update === undefined ? skipped : finite ? 0 : skipped + 1,
      alarms: alarms.state,
    });
    if (alarms.raised.length > 0) this.#logger.warn({ step, alarms: alarms.raised }, "alarm");
    this.notice(
      { step, gradientNorm: update?.gradientNorm },
      finite ? "step" : "update skipped: not finite",
    );
    if (!finite && this.#state.skipped >= mostSkipped) {
      await this.save();
      throw new ErrataError(
        `${mostSkipped} updates in a row were not finite; the last at step ${step}`,
        {
          code: "TRAINING_NOT_FINITE",
          hint: `lower learningRate in ${join(this.folder, "config.json")}, then resume`,
        },
      );
    }
  }

  /** Marks the run complete, after its last evaluation. */
  finish(): void {
    this.#refuseAbandoned();
    this.#finished = true;
    this.#commit(this.#state);
  }

  #refuseAbandoned(): void {
    if (this.#abandoned !== undefined)
      throw new ErrataError(`the run in ${this.folder} was interrupted`, {
        code: "RUN_ABANDONED",
        hint: "add --resume to carry on from its last step",
      });
  }

  #commit(state: RunState): void {
    this.#refuseAbandoned();
    this.corpus.commit();
    this.inbox.commit();
    this.#open = false;
    this.#state = state;
    this.#releaseReplaced();
    for (const line of this.#lines) {
      appendFileSync(join(this.folder, "metrics.jsonl"), `${JSON.stringify(line)}\n`);
      this.onLine?.(line);
    }
    this.#lines = [];
  }

  /** Gives up the experts that the step has replaced: only now can it not be dropped any more. */
  #releaseReplaced(): void {
    const kept = new Set([...this.#state.experts.values()].map(({ policy }) => policy));
    for (const { policy } of this.#before.state.experts.values())
      if (!kept.has(policy)) this.#engine.release(policy);
    this.#before = { ...this.#before, state: this.#state }; // what is released is so once
  }

  /** Drops the step in progress and saves what stood before it: for an interrupt that cannot wait. */
  abandon(): Promise<void> {
    this.#abandoned ??= this.#open ? this.#rollBack() : (this.#writing ?? this.save());
    return this.#abandoned;
  }

  async #rollBack(): Promise<void> {
    this.corpus.rollback();
    this.inbox.rollback();
    this.#open = false;
    if (!this.#engine.capabilities.rollback) {
      this.notice(
        {},
        "the engine cannot go back to before a step that is dropped: resuming starts from the last save",
      );
      return;
    }
    const { state, curriculum, ledger } = this.#before;
    const written = this.#write(state, curriculum, ledger);
    this.corpus.begin(); // never committed: what the dropped step still does to the corpus is lost
    await written;
  }

  /** Writes a checkpoint of the last finished step, whole or not at all. */
  async save(): Promise<void> {
    this.#writing = this.#write(this.#state, this.curriculum.state, this.ledger.totals);
    try {
      await this.#writing;
      this.#savedAt = performance.now();
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(
    state: RunState,
    curriculum: CurriculumState,
    ledger: Readonly<Record<CostRole, Cost>>,
  ): Promise<void> {
    const calls = [...this.partners.remote].map(
      ([name, partner]) => [name, partner.calls] as const,
    );
    const { bills } = this.ledger;
    await writeCheckpoint(this.#engine, this.folder, state, {
      finished: this.#finished,
      metricsBytes: syncedBytes(join(this.folder, "metrics.jsonl")),
      curriculum,
      ledger,
      ...(calls.length === 0 ? {} : { remoteCalls: Object.fromEntries(calls) }),
      ...(bills.length === 0 ? {} : { bills }),
      snapshot: (path) => this.corpus.snapshot(path),
    });
    writeSeconds(this.folder, this.ledger.seconds);
  }

  close(): void {
    this.corpus.close();
    this.#unlock();
  }
}

/** What a setup computes and pays for: its engine's work, and the tokens of models behind URLs. */
function meterOf({ engine, remotePartners, teacher, preset }: Setup): Meter {
  const remote = [...(remotePartners?.values() ?? [])];
  const paid = (): number => remote.reduce((n, { tokens }) => n + tokens, 0);
  return {
    get bills() {
      const all = [...remote.map(({ bill }) => bill), teacher?.bill?.(), preset.user?.bill];
      return all.filter((bill) => bill !== undefined);
    },
    get flops() {
      return engine.flops;
    },
    get steeringFlops() {
      return engine.steeringFlops ?? 0;
    },
    get tokens() {
      return (engine.tokens ?? 0) + paid();
    },
  };
}

/** The bytes of a log, all of them on disk: a checkpoint must not count what a power cut takes back. */
function syncedBytes(path: string): number {
  synchronise(path);
  return statSync(path).size;
}

/** The step of the evaluation that `metrics.jsonl` ends with, as that of a finished run does. */
function lastEvaluation(folder: string): number | undefined {
  const last = readFileSync(join(folder, "metrics.jsonl"), "utf8").trimEnd().split("\n").at(-1)!;
  const line = last === "" ? {} : (JSON.parse(last) as Partial<MetricsLine>);
  return "eval/accuracy" in line ? line.step : undefined;
}

/** Writes into `config.json` what a run may be carried on with: more steps, and what it may spend and tell. */
function recordChanges(folder: string, { steps, budget, prices, track }: Config): void {
  const path = join(folder, "config.json");
  const before = readJson(path, "put the file back from a copy") as Config;
  const after = { ...before, steps, budget, prices, track };
  if (JSON.stringify(after) !== JSON.stringify(before))
    replaceFile(path, `${JSON.stringify(after, null, 2)}\n`);
}
