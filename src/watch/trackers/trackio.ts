/** trackio over its HTTP interface (0.43): https://github.com/gradio-app/trackio. Its server is the user's, local by default. */
import { ErrataError } from "../../util/error.js";
import type { Batch, Tracker } from "./tracker.js";

/** Where `trackio show` listens. */
const usualAddress = "http://127.0.0.1:7860";
/** Longest a request may take, in milliseconds. */
const patience = 4000;

export interface TrackioOptions {
  readonly project: string;
  readonly run: string;
  /** The same for all sittings of a run. */
  readonly runId: string;
  readonly config: Readonly<Record<string, string | number | boolean>>;
  readonly address?: string | undefined;
  /** TRACKIO_WRITE_TOKEN of the server. */
  readonly token?: string | undefined;
}

export class Trackio implements Tracker {
  readonly name = "trackio";
  readonly #options: TrackioOptions;
  #sent = false;

  constructor(options: TrackioOptions) {
    this.#options = options;
  }

  /** A repeated step is sent under the same id, and kept once. */
  async send(batches: readonly Batch[]): Promise<void> {
    const { project, run, runId, config } = this.#options;
    const logs = batches.map(({ step, scalars, text }) => ({
      project,
      run,
      run_id: runId,
      metrics: { ...scalars, ...(text === undefined ? {} : { rollouts: text }) },
      step,
      config: this.#sent ? null : config,
      log_id: `${runId}-${step}-${Object.keys(scalars).length}`,
    }));
    await this.#post("bulk_log", { logs, hf_token: null });
    this.#sent = true;
  }

  close(): void {
    // nothing is held
  }

  async #post(name: string, body: unknown): Promise<void> {
    const { address = usualAddress, token } = this.#options;
    const response = await fetch(`${address.replace(/\/$/, "")}/api/${name}`, {
      method: "POST",
      signal: AbortSignal.timeout(patience),
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { "x-trackio-write-token": token }),
      },
      body: JSON.stringify(body),
    });
    const answer = (await response.json().catch(() => ({}))) as { error?: unknown };
    if (response.ok && answer.error === undefined) return;
    const why = typeof answer.error === "string" ? answer.error : `it answered ${response.status}`;
    throw new ErrataError(`trackio at ${address} refuses: ${why}`, {
      code: "TRACK_REFUSED",
      hint: "set TRACKIO_WRITE_TOKEN to the token its server was started with",
    });
  }
}
