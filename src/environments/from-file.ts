/** The environment that a command names: one of Errata's own, or one in a file. */
import { existsSync } from "node:fs";
import { extname } from "node:path";
import { humaneval, humanevalJs, livecodebench, mbpp } from "./code/datasets/dataset.js";
import { defineEnvironment, type EnvironmentDefinition } from "./custom/define.js";
import { tau2File } from "./custom/tau2-file.js";
import { tasksFile } from "./custom/tasks-file.js";
import type { Environment } from "./environment.js";
import { gsm8k } from "./gsm8k/gsm8k.js";
import { conversations, environment, type EnvironmentOptions } from "./index.js";
import { ErrataError } from "../util/error.js";
import { importDefault } from "../util/import-default.js";

const TASKS = [".jsonl", ".json"];
const CODE = [".ts", ".mts", ".js", ".mjs"];

/** Environments of data sets, which can be read from a place of one's own: `mbpp:my/problems.jsonl`. */
const DATA_SETS: Readonly<Record<string, (path: string, options: EnvironmentOptions) => unknown>> =
  {
    gsm8k: (folder) => gsm8k({ folder }),
    humaneval: (file) => humaneval({ file }),
    "humaneval-js": (file) => humanevalJs({ file }),
    livecodebench: (file) => livecodebench({ file }),
    mbpp: (file) => mbpp({ file }),
    "tau2-retail": (file, options) => tau2File("tau2-retail", file, options),
    "tau-airline": (file, options) => tau2File("tau-airline", file, options),
  };

/** Names that take a file behind a colon. */
export const dataSetNames: readonly string[] = Object.keys(DATA_SETS);

/**
 * The environment of a name, of a data set in a given place (`mbpp:problems.jsonl`), or of a file
 * with tasks (`.jsonl`, `.json`) or with code that exports one by default (`.ts`, `.js`).
 * @throws ErrataError `ENVIRONMENT_UNKNOWN` on a name, `ENVIRONMENT_FILE` or
 *   `ENVIRONMENT_DEFINITION` on a file, `USER_UNUSED` on a user where nobody converses.
 */
export async function environmentNamed(
  nameOrPath: string,
  options: EnvironmentOptions = {},
): Promise<Environment> {
  const [, name = "", place = ""] = /^([\w-]{2,}):(.+)$/.exec(nameOrPath) ?? [];
  if (options.user !== undefined && !conversations.includes(name || nameOrPath))
    throw new ErrataError(`nobody in "${nameOrPath}" is played by a model`, {
      code: "USER_UNUSED",
      hint: `leave user.source at scripted, or use ${conversations.join(" or ")}`,
    });
  if (Object.hasOwn(DATA_SETS, name)) return forgetful(DATA_SETS[name]!(place, options));
  const kind = extname(nameOrPath);
  if (TASKS.includes(kind)) return forgetful(tasksFile(nameOrPath));
  if (!CODE.includes(kind)) return environment(nameOrPath, options);
  if (!existsSync(nameOrPath))
    throw new ErrataError(`there is no file ${nameOrPath}`, {
      code: "ENVIRONMENT_FILE",
      hint: "name a file that exports default defineEnvironment({ ... })",
    });
  const exported = await importDefault(nameOrPath, "defineEnvironment({ ... })");
  return defineEnvironment(exported as unknown as EnvironmentDefinition<unknown>);
}

/** A state is only ever handed back to the environment it came from, so its type may be forgotten. */
const forgetful = (typed: unknown): Environment => typed as Environment;
