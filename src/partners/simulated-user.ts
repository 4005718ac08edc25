/** From `user.source` to the simulated user of a conversation. */
import { modelUser, type User } from "../environments/support/tau/user.js";
import type { Message } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { Ledger, type Exceeded } from "../watch/ledger.js";
import { atMost } from "../models/at-most.js";
import type { Model } from "../models/model.js";
import type { Bill } from "../util/bill.js";
import { Random } from "../util/random.js";
import type { UserOptions } from "./user-options.js";

/** Longest message of a user, in its model's tokens. */
const longestMessage = 512;

/** Messages asked for at once. */
const concurrency = 4;

/**
 * The configured user where a model plays it; undefined for `scripted`.
 * @throws ErrataError `USER_SOURCE` on a source that is neither, `REMOTE_ADDRESS` without a model's name.
 */
export async function userFor(options: UserOptions): Promise<MeteredUser | undefined> {
  const { source, model, keyVariable, temperature, timeout } = options;
  if (source === "scripted") return undefined;
  if (!/^https?:\/\//.test(source))
    throw new ErrataError(`user.source "${source}" is no user`, {
      code: "USER_SOURCE",
      hint: "use scripted, or the http(s) URL of an OpenAI-compatible server",
    });
  const { remoteModel } = await import("../models/remote.js");
  const address = { url: source, model, keyVariable };
  const asked = remoteModel(address, { temperature, timeout, maxTokens: longestMessage });
  return new MeteredUser(asked, options);
}

/**
 * A user played by any model (a `RemoteModel` wraps every AI SDK model), whose answers are counted,
 * limited and charged to the role `user`: its `rollouts` are answers, its `tokens` those paid for.
 */
export class MeteredUser implements User {
  readonly #model: Model;
  readonly #limits: Pick<UserOptions, "calls" | "tokens" | "money" | "price">;
  readonly #user: User;
  readonly #turn: <T>(work: () => Promise<T>) => Promise<T>;
  #ledger: Ledger = new Ledger({ flops: 0 });

  constructor(
    model: Model,
    options: Pick<UserOptions, "calls" | "tokens" | "money" | "price" | "degraded">,
  ) {
    this.#model = model;
    this.#limits = options;
    // What an answer costs is known after it: where that is limited, one is asked for at a time.
    const limited = Math.min(options.tokens, options.money) < Number.MAX_SAFE_INTEGER;
    this.#turn = atMost(limited ? 1 : concurrency);
    this.#user = modelUser({
      complete: (messages) => this.#turn(() => this.#complete(messages)),
      degraded: options.degraded,
    });
  }

  opening: User["opening"] = (task) => this.#user.opening(task);
  reply: User["reply"] = (task, conversation) => this.#user.reply(task, conversation);

  /** What it is paid for in this sitting. */
  get bill(): Bill | undefined {
    return this.#model.bill;
  }

  /** What it has cost so far, over all sittings of the run it is charged to. */
  get spent(): { readonly calls: number; readonly tokens: number; readonly money: number } {
    const { rollouts: calls, tokens } = this.#ledger.totals.user;
    return { calls, tokens, money: (tokens * this.#limits.price) / 1e6 };
  }

  /** The first of its limits that is spent. */
  get exceeded(): Exceeded | undefined {
    const { spent } = this;
    for (const limit of ["calls", "tokens", "money"] as const)
      if (spent[limit] >= this.#limits[limit])
        return { section: "user", limit, spent: spent[limit], budget: this.#limits[limit] };
    return undefined;
  }

  /** From now on, and for what was spent before, a run pays. */
  chargeTo(ledger: Ledger): void {
    const { calls, tokens } = this.spent;
    this.#ledger = ledger;
    this.#charge(calls, tokens);
  }

  #charge(calls: number, tokens: number): void {
    this.#ledger.addRollouts("user", calls);
    this.#ledger.addTokens("user", tokens);
  }

  /** @throws ErrataError `USER_BUDGET` once a limit is spent, `USER_SILENT` on an empty answer. */
  async #complete(messages: readonly Message[]): Promise<string> {
    const over = this.exceeded;
    if (over !== undefined)
      throw new ErrataError(
        `the simulated user may not be asked again: user.${over.limit} is spent`,
        {
          code: "USER_BUDGET",
          hint: `raise user.${over.limit} (now ${over.budget})`,
        },
      );
    this.#charge(1, 0);
    const [answer] = await this.#model.act(
      [{ observation: messages.at(-1)?.content ?? "", messages }],
      Random.from(0, "user"),
    );
    this.#charge(0, answer?.paidTokens ?? 0);
    if (answer !== undefined && answer.text.trim() !== "") return answer.text;
    throw new ErrataError("the simulated user's model answered nothing", {
      code: "USER_SILENT",
      hint: "a model that thinks aloud may need a larger one, or another; try it with errata env check",
    });
  }
}
