/** What of a configuration can be set in a command that trains nothing. */
import type { Config, ConfigInput } from "../config/config.js";
import { applyOverrides } from "../config/overrides.js";
import { parseConfig } from "../config/parse.js";
import { ErrataError } from "../util/error.js";
import type { MeteredUser } from "../partners/simulated-user.js";
import { count } from "./terminal.js";

/** Who plays the user of tau2-retail and tau-airline, as the example of a flag's help. */
export const userExample = "user.source=http://localhost:8000/v1 user.model=name";

/**
 * `config` with overrides of some sections or keys, and of nothing else.
 * @throws ErrataError `CONFIG_SET` on another key, `CONFIG_INVALID`.
 */
export function withSettings(
  config: ConfigInput,
  overrides: readonly string[] = [],
  settable: readonly string[] = ["user"],
): Config {
  const other = overrides.find((override) => !settable.includes(override.split(/[.=]/)[0]!));
  if (other === undefined) return parseConfig(applyOverrides(config, overrides));
  throw new ErrataError(`--set ${other}: only ${settable.join(" and ")} can be set here`, {
    code: "CONFIG_SET",
    hint: `for example --set ${userExample}`,
  });
}

/** What asking the user cost, as one line of text. */
export function userCost({ spent: { calls, tokens, money } }: MeteredUser): string {
  const price = money === 0 ? "" : `, ${money.toPrecision(3)} of money`;
  return `the simulated user gave ${count(calls)} answers, ${count(tokens)} tokens${price}`;
}
