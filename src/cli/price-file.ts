/** A file of prices under a configuration. */
import { existsSync } from "node:fs";
import type { ConfigInput } from "../config/config.js";
import { mergeConfig } from "../config/merge.js";
import { ErrataError } from "../util/error.js";
import { readJson } from "../util/read-json.js";
import { pricesSchema } from "../watch/prices.js";

const contentSchema = pricesSchema.omit({ file: true });

/**
 * `input` over what its `prices.file` holds, where it names one: the run's folder then has the prices themselves.
 * @throws ErrataError `PRICES_FILE` where there is no such file, or it does not hold prices; `FILE_DAMAGED` where it
 *   is not JSON.
 */
export function withPriceFile(input: ConfigInput): ConfigInput {
  const path = input.prices?.file;
  if (path === undefined) return input;
  if (!existsSync(path))
    throw new ErrataError(`prices.file: there is no file ${path}`, {
      code: "PRICES_FILE",
      hint: "name a JSON file; docs/ledger.md has an example",
    });
  const content = contentSchema.safeParse(readJson(path, "mend it, or leave prices.file out"));
  if (content.success) return mergeConfig({ prices: content.data }, input);
  const problems = content.error.issues.map(
    ({ path: key, message }) => `  ${key.join(".") || "(top)"}: ${message}`,
  );
  throw new ErrataError(`${path} does not hold prices:\n${problems.join("\n")}`, {
    code: "PRICES_FILE",
    hint: "docs/ledger.md says what it may hold, with an example",
  });
}
