/** Tasks in tau2-bench's format on a published domain: its tools, its policy, its database. */
import { existsSync } from "node:fs";
import { ErrataError } from "../../util/error.js";
import { readText } from "../../util/read-text.js";
import { hashText } from "../../util/random.js";
import type { Environment, Split } from "../environment.js";
import { loadAirline, loadRetail, type TauDomain } from "../support/tau/load.js";
import { parseTasks, type TauTask } from "../support/tau/task.js";
import { tauEnvironment, type TauOptions } from "../support/tau/tau.js";

const DOMAINS: Readonly<Record<string, () => TauDomain>> = {
  "tau2-retail": () => loadRetail(),
  "tau-airline": () => loadAirline(),
};

/** The domains that {@link tau2File} knows. */
export const tau2Domains: readonly string[] = Object.keys(DOMAINS);

/**
 * The environment `domain` with the tasks of a file of one's own in place of the published ones. Of
 * them 80% train, 10% validate and 10% test, by a hash of the id.
 * @throws ErrataError `ENVIRONMENT_FILE` where the file or the domain is absent, `TAU_TASK` where a
 *   task cannot be read.
 */
export function tau2File(
  domain: string,
  path: string,
  options: Pick<TauOptions, "user"> = {},
): Environment<unknown> {
  const load = Object.hasOwn(DOMAINS, domain) ? DOMAINS[domain] : undefined;
  if (load === undefined)
    throw new ErrataError(`there is no domain "${domain}" to run the tasks of ${path} in`, {
      code: "ENVIRONMENT_FILE",
      hint: `use ${tau2Domains.map((name) => `${name}:${path}`).join(" or ")}`,
    });
  const tasks: Record<Split, TauTask[]> = { train: [], validation: [], test: [] };
  for (const task of parseTasks(readJson(path), path)) {
    const tenth = hashText(`tau2:${task.id}`) % 10;
    tasks[tenth === 0 ? "test" : tenth === 1 ? "validation" : "train"].push(task);
  }
  const environment: unknown = tauEnvironment(domain, () => ({ ...load(), tasks }), options);
  return environment as Environment;
}

/** Whether JSON has the form of tau2-bench's tasks. */
export function isTau2(value: unknown): boolean {
  const [first] = Array.isArray(value) ? (value as unknown[]) : [];
  return (
    typeof first === "object" &&
    first !== null &&
    ("evaluation_criteria" in first || "user_scenario" in first)
  );
}

function readJson(path: string): unknown {
  const fail = (why: string): ErrataError =>
    new ErrataError(`${path}: ${why}`, {
      code: "ENVIRONMENT_FILE",
      hint: "name a tasks.json of tau2-bench's format",
    });
  if (!existsSync(path)) throw fail("there is no such file");
  try {
    return JSON.parse(readText(path));
  } catch (cause) {
    throw fail((cause as Error).message);
  }
}
