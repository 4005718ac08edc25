import { redact, withoutSecrets } from "./secrets.js";

/** What an {@link ErrataError} carries beside its message. */
export interface ErrataErrorOptions {
  /** Stable, documented identifier, for example `CONFIG_UNKNOWN_KEY`. */
  readonly code: string;
  /** The command or config key that mends it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * A fault the user can mend. The message says what is wrong, the value seen and where;
 * `hint` says how to mend it; `code` is stable.
 */
export class ErrataError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(message: string, { code, hint, cause }: ErrataErrorOptions) {
    super(redact(message), cause === undefined ? undefined : { cause: withoutSecrets(cause) });
    this.name = "ErrataError";
    this.code = code;
    this.hint = hint === undefined ? undefined : redact(hint);
  }
}
