/** Weights of a weak partner that arrive while a run trains. */
import type { Engine, Policy } from "../engine/engine.js";
import { ErrataError } from "../util/error.js";

/**
 * The partner in a file, for a student of this vocabulary.
 * @throws ErrataError `INBOX_PARTNER` where it is no model, or one of other tokens.
 */
export async function readPartner(
  engine: Pick<Engine, "restore">,
  path: string,
  vocabulary: number,
): Promise<Policy> {
  const hint = "give a model of the student's vocabulary, or its attempts as .jsonl";
  let policy: Policy;
  try {
    policy = await engine.restore(path);
  } catch (cause) {
    const { message } = cause as Error;
    throw new ErrataError(`${path} is no partner: ${message}`, {
      code: "INBOX_PARTNER",
      hint,
      cause,
    });
  }
  if (policy.shape.vocabulary === vocabulary) return policy;
  throw new ErrataError(
    `${path} has ${policy.shape.vocabulary} tokens, the student ${vocabulary}`,
    { code: "INBOX_PARTNER", hint },
  );
}

/** As {@link readPartner}; undefined where the file cannot play, with why. */
export async function partnerOr(
  engine: Pick<Engine, "restore">,
  path: string,
  vocabulary: number,
  why: (problem: string) => void,
): Promise<Policy | undefined> {
  try {
    return await readPartner(engine, path, vocabulary);
  } catch (error) {
    if (!(error instanceof ErrataError)) throw error;
    why(error.message);
    return undefined;
  }
}
