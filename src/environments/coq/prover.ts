/** A pool of Coq processes that plays scripts: any state is reached by going back and replaying. */
import { ErrataError } from "../../util/error.js";
import { parseGoal, parseProof, type PrintedGoal, type PrintedProof } from "./goal.js";
import { CoqSession, type SessionOptions } from "./session.js";

export interface ProverOptions extends SessionOptions {
  /** Processes at once. Default 1: play is sequential within one Node process. */
  readonly processes?: number;
  /** Limit for one tactic, in seconds; then the process is killed and replaced. Default 2. */
  readonly tacticSeconds?: number;
  /** Limit for `Qed`, in seconds. Default 10. */
  readonly qedSeconds?: number;
  /** States remembered, so that equal prefixes are played once. Default 20000. */
  readonly remembered?: number;
}

/** Where a sentence leads, or why it leads nowhere. */
export type Played =
  | {
      readonly ok: true;
      readonly proof: PrintedProof;
      /** The goals that the last sentence opened or left in place of the one it worked on. */
      readonly opened: readonly PrintedGoal[];
    }
  | { readonly ok: false; readonly fault: "error" | "timeout" | "died"; readonly message: string };

/** Name of every theorem. */
export const THEOREM = "errata_goal";

/** Sentences after which a process is replaced: Coq keeps every state it has been in. */
const SENTENCES = 50_000;

interface Worker {
  session: CoqSession | undefined;
  /** State before any theorem. */
  base: number;
  /** The sentences played since, with the state each led to and the goals then open. */
  path: { readonly sentence: string; readonly state: number; readonly open: number }[];
  sentences: number;
  queue: Promise<unknown>;
  waiting: number;
}

/**
 * Plays scripts of checked sentences. `theorem` is the opening sentence, for example
 * `Theorem errata_goal (p : Prop) : p -> p.`
 */
export class CoqProver {
  readonly #options: ProverOptions;
  readonly #workers: Worker[];
  readonly #memory = new Map<string, Played>();

  constructor(options: ProverOptions = {}) {
    this.#options = options;
    this.#workers = Array.from({ length: options.processes ?? 1 }, () => ({
      session: undefined,
      base: 0,
      path: [],
      sentences: 0,
      queue: Promise.resolve(),
      waiting: 0,
    }));
  }

  /**
   * The proof after a theorem and the sentences of a script, all but the last of which must have
   * been accepted before.
   * A sentence that ends the process twice is refused.
   * @throws ErrataError `COQ_MISSING`, `COQ_LIBRARY`, `COQ_START`.
   */
  async play(theorem: string, script: readonly string[]): Promise<Played> {
    const key = JSON.stringify([theorem, ...script]);
    const known = this.#memory.get(key);
    if (known !== undefined) return known;
    const played = await this.#onWorker((worker) => this.#play(worker, [theorem, ...script])).catch(
      (error: unknown): Played => ({ ok: false, fault: "died", message: deathOf(error) }),
    );
    if (this.#memory.size >= (this.#options.remembered ?? 20_000))
      this.#memory.delete(this.#memory.keys().next().value!);
    this.#memory.set(key, played);
    return played;
  }

  /**
   * Whether Coq takes the script for a proof: `Qed` is accepted and `Print Assumptions` says that
   * the theorem is closed under the global context. The message says what is missing.
   */
  async prove(
    theorem: string,
    script: readonly string[],
  ): Promise<{ readonly proved: boolean; readonly message: string }> {
    return this.#onWorker(async (worker) => {
      const played = await this.#play(worker, [theorem, ...script]);
      if (!played.ok) return { proved: false, message: played.message };
      const qed = await this.#last(worker, "Qed.", this.#options.qedSeconds ?? 10);
      if (typeof qed === "string") return { proved: false, message: qed };
      if (!qed.accepted || qed.proving) return { proved: false, message: brief(qed.output) };
      const assumptions = await worker.session!.send(`Print Assumptions ${THEOREM}.`, 10);
      const proved = isClosed(assumptions.output);
      await this.#backTo(worker, worker.path.length);
      return { proved, message: brief(assumptions.output) };
    }).catch((error: unknown) => ({ proved: false, message: deathOf(error) }));
  }

  /** Ends the processes; a later call starts new ones. */
  close(): void {
    for (const worker of this.#workers) this.#drop(worker);
  }

  async #onWorker<T>(work: (worker: Worker) => Promise<T>): Promise<T> {
    const worker = this.#workers.reduce((least, each) =>
      each.waiting < least.waiting ? each : least,
    );
    worker.waiting++;
    const result = worker.queue.then(async () => {
      try {
        return await work(worker);
      } catch (error) {
        if (!(error instanceof ErrataError) || error.code !== "COQ_DIED") throw error;
        this.#drop(worker);
        return work(worker); // once more on a new process
      }
    });
    worker.queue = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      worker.waiting--;
    }
  }

  /** Brings a worker to the end of `sentences`; the last may be refused. */
  async #play(worker: Worker, sentences: readonly string[]): Promise<Played> {
    await this.#ready(worker);
    let shared = 0;
    while (shared < sentences.length - 1 && worker.path[shared]?.sentence === sentences[shared])
      shared++;
    await this.#backTo(worker, shared);
    for (const [i, sentence] of sentences.entries()) {
      if (i < shared) continue;
      const reply = await this.#last(worker, sentence, this.#options.tacticSeconds ?? 2);
      if (typeof reply === "string") return { ok: false, fault: "timeout", message: reply };
      if (!reply.accepted) return { ok: false, fault: "error", message: brief(reply.output) };
      const session = worker.session!;
      const proof = parseProof((await session.send("Show.", 10)).output);
      const before = worker.path.at(-1)?.open ?? 1;
      const isLast = i === sentences.length - 1;
      const opened = isLast ? await openedGoals(session, proof, before) : [];
      worker.path.push({ sentence, state: session.state, open: proof.open });
      if (isLast) return { ok: true, proof, opened };
    }
    throw new ErrataError("a script has at least the theorem", { code: "COQ_SCRIPT" });
  }

  /** A sentence that may take too long or kill: then the worker is emptied and the message returned. */
  async #last(
    worker: Worker,
    sentence: string,
    seconds: number,
  ): Promise<string | Awaited<ReturnType<CoqSession["send"]>>> {
    try {
      worker.sentences++;
      return await worker.session!.send(sentence, seconds);
    } catch (error) {
      if (!(error instanceof ErrataError)) throw error;
      this.#drop(worker);
      if (error.code === "COQ_TIMEOUT" || error.code === "COQ_OUTPUT") return error.message;
      throw error;
    }
  }

  async #backTo(worker: Worker, length: number): Promise<void> {
    const state = length === 0 ? worker.base : worker.path[length - 1]!.state;
    if (worker.session!.state !== state) await worker.session!.send(`BackTo ${state}.`, 10);
    worker.path.length = length;
  }

  async #ready(worker: Worker): Promise<void> {
    if (worker.sentences > SENTENCES) this.#drop(worker);
    if (worker.session !== undefined && !worker.session.dead) return;
    worker.session = await CoqSession.start(this.#options);
    worker.base = worker.session.state;
    worker.path = [];
    worker.sentences = 0;
  }

  #drop(worker: Worker): void {
    worker.session?.kill();
    worker.session = undefined;
    worker.path = [];
    worker.sentences = 0;
  }
}

/** What to say of a process that ended; any other error is thrown on. */
function deathOf(error: unknown): string {
  if (error instanceof ErrataError && error.code === "COQ_DIED") return error.message;
  throw error;
}

/** The goals that stand in place of the one worked on, when `before` goals were open. */
async function openedGoals(
  session: CoqSession,
  proof: PrintedProof,
  before: number,
): Promise<PrintedGoal[]> {
  const count = proof.open - before + 1;
  if (proof.first === undefined || count < 1) return [];
  const goals = [proof.first];
  for (let i = 2; i <= count; i++) {
    const goal = parseGoal((await session.send(`Show ${i}.`, 10)).output);
    if (goal !== undefined) goals.push(goal);
  }
  return goals;
}

/** Whether `Print Assumptions` found none; it may say first which files it read. */
function isClosed(output: string): boolean {
  const lines = output
    .replace(/<\/?infomsg>/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("Fetching opaque proofs from disk"));
  return lines.length === 1 && lines[0] === "Closed under the global context";
}

/** Coq's message without the echo of the sentence. */
function brief(output: string): string {
  const at = output.search(/^(Error|Syntax error|Anomaly|Axioms|Closed|In environment)/m);
  return output
    .slice(Math.max(0, at))
    .replace(/<\/?\w+>/g, "")
    .trim()
    .split("\n")
    .join(" ")
    .slice(0, 400);
}
