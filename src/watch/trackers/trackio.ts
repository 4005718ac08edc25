/** trackio over its HTTP interface (0.43): https://github.com/gradio-app/trackio. Its server is the user's, local by default. */
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import { limitedText } from "../../util/limited-body.js";
import { keepSecret } from "../../util/secrets.js";
import { within } from "../../util/within.js";
import type { Batch, Tracker } from "./tracker.js";

/** Where `trackio show` listens. */
const usualAddress = "http://127.0.0.1:7860";
/** Longest a request may take, in milliseconds. */
const patience = 4000;

/** Longest answer that is read. */
const mostBytes = 2 ** 20;

/** An object, and with an `error` where the server refuses. */
const Answer = z.looseObject({ error: z.unknown().optional() });

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
    keepSecret(options.token);
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
    let response: Response;
    let text: string | undefined;
    try {
      [response, text] = await within(patience, async (signal) => {
        const answered = await fetch(`${address.replace(/\/$/, "")}/api/${name}`, {
          method: "POST",
          signal,
          // Where it led, the write token would go too.
          redirect: "error",
          headers: {
            "content-type": "application/json",
            ...(token === undefined ? {} : { "x-trackio-write-token": token }),
          },
          body: JSON.stringify(body),
        });
        return [answered, await limitedText(answered, mostBytes)] as const;
      });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ErrataError(`trackio at ${address} does not answer: ${why}`, {
        code: "TRACK_UNREACHABLE",
        hint: "start it with trackio show, or check its address, without a redirect",
        cause,
      });
    }
    const answer = Answer.safeParse(parsed(text));
    if (response.ok && answer.success && answer.data.error === undefined) return;
    const said = answer.data?.error;
    const why =
      typeof said === "string"
        ? said
        : `it answered ${response.status}${answer.success ? "" : ", not as trackio does"}`;
    throw new ErrataError(`trackio at ${address} refuses: ${why}`, {
      code: "TRACK_REFUSED",
      hint: "check that its address is trackio's, and set TRACKIO_WRITE_TOKEN to the token its server was started with",
    });
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
