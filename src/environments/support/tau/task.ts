/** tau2-bench's task format, read as it is published. */
import { z } from "zod";
import { ErrataError } from "../../../util/error.js";
import { issuesOf } from "../../../util/issues.js";
import type { Json } from "../../environment.js";
import type { Arguments } from "../tool.js";

/** A call that the reference makes. */
export interface ReferenceAction {
  readonly name: string;
  readonly arguments: Arguments;
  /** The arguments that must agree with the agent's; absent: all. */
  readonly compare_args?: readonly string[] | null | undefined;
}

/** What a simulated user is told, in parts. */
export interface Instructions {
  readonly task_instructions: string;
  readonly domain: string;
  readonly reason_for_call: string;
  readonly known_info?: string | null | undefined;
  readonly unknown_info?: string | null | undefined;
}

/** A tau2-bench task, as far as it is used here; a domain's own fields are dropped. */
export interface TauTask {
  readonly id: string;
  readonly user_scenario: {
    readonly persona?: string | null | undefined;
    readonly instructions: string | Instructions;
  };
  readonly initial_state?: Json | undefined;
  readonly evaluation_criteria?:
    | {
        readonly actions?: readonly ReferenceAction[] | null | undefined;
        readonly communicate_info?: readonly string[] | null | undefined;
        readonly nl_assertions?: readonly string[] | null | undefined;
        readonly env_assertions?: readonly Json[] | null | undefined;
        readonly reward_basis?: readonly string[] | undefined;
      }
    | null
    | undefined;
}

const texts: z.ZodType<readonly string[]> = z.array(z.string());

const action: z.ZodType<ReferenceAction> = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.json()),
  compare_args: texts.nullish(),
});

const instructions: z.ZodType<string | Instructions> = z.union([
  z.string(),
  z.object({
    task_instructions: z.string(),
    domain: z.string(),
    reason_for_call: z.string(),
    known_info: z.string().nullish(),
    unknown_info: z.string().nullish(),
  }),
]);

const tasks: z.ZodType<TauTask[]> = z.array(
  z.object({
    id: z.string(),
    user_scenario: z.object({ persona: z.string().nullish(), instructions: instructions }),
    initial_state: z.json().optional(),
    evaluation_criteria: z
      .object({
        actions: z.array(action).nullish(),
        communicate_info: texts.nullish(),
        nl_assertions: texts.nullish(),
        env_assertions: z.array(z.json()).nullish(),
        reward_basis: texts.optional(),
      })
      .nullish(),
  }),
);

/** Components of the reward when a task names none: tau2-bench's default. */
const DEFAULT_BASIS: readonly string[] = ["DB", "COMMUNICATE"];

/**
 * Reads a list of tau2-bench tasks.
 * @throws ErrataError `TAU_TASK` where it is not one, a task starts from a state of its own, or nothing of
 *   its reward can be judged.
 */
export function parseTasks(json: unknown, where: string): TauTask[] {
  const parsed = tasks.safeParse(json);
  if (!parsed.success) {
    throw new ErrataError(`${where} holds no tau2-bench tasks: ${issuesOf(parsed.error)}`, {
      code: "TAU_TASK",
      hint: "use a tasks.json of https://github.com/sierra-research/tau2-bench",
    });
  }
  const prepared = parsed.data.find(({ initial_state }) => (initial_state ?? null) !== null);
  if (prepared !== undefined) {
    throw new ErrataError(`${where}: task ${prepared.id} has an initial_state`, {
      code: "TAU_TASK",
      hint: "only tasks that start from the published database can be played; leave this one out",
    });
  }
  for (const task of parsed.data) checkBasis(task, where);
  return parsed.data;
}

/** The components that a program judges, and those that tau2-bench leaves to a model or to code of its own. */
const JUDGED: readonly string[] = ["DB", "COMMUNICATE", "ACTION"];
const UNJUDGED: readonly string[] = ["NL_ASSERTION", "ENV_ASSERTION"];

/** Refuses a task of whose reward nothing could be judged: it would be won by doing nothing. */
function checkBasis(task: TauTask, where: string): void {
  const basis = rewardBasis(task);
  const unknown = basis.find((name) => !JUDGED.includes(name) && !UNJUDGED.includes(name));
  if (unknown !== undefined)
    throw new ErrataError(
      `${where}: task ${task.id} has the unknown component ${JSON.stringify(unknown)} in its reward_basis`,
      { code: "TAU_TASK", hint: `use ${[...JUDGED, ...UNJUDGED].join(", ")}` },
    );
  if (basis.some((name) => JUDGED.includes(name))) return;
  throw new ErrataError(
    `${where}: nothing in the reward_basis of task ${task.id} can be judged here (${basis.join(", ") || "it is empty"})`,
    {
      code: "TAU_TASK",
      hint: `give it one of ${JUDGED.join(", ")}, or leave the task out`,
    },
  );
}

/** The reference calls of a task, in order. */
export function referenceActions({ evaluation_criteria }: TauTask): readonly ReferenceAction[] {
  return evaluation_criteria?.actions ?? [];
}

/** What the agent must have told the user. */
export function communicateInfo({ evaluation_criteria }: TauTask): readonly string[] {
  return evaluation_criteria?.communicate_info ?? [];
}

/** The components of a task's reward, as tau2-bench names them. */
export function rewardBasis({ evaluation_criteria }: TauTask): readonly string[] {
  return evaluation_criteria?.reward_basis ?? DEFAULT_BASIS;
}

/** The scenario as a simulated user is told it. */
export function scenarioText({ user_scenario: { persona, instructions: given } }: TauTask): string {
  const lines = typeof given === "string" ? [given] : describe(given);
  return [
    ...(persona === null || persona === undefined ? [] : [`Persona: ${persona}`]),
    ...lines,
  ].join("\n\n");
}

function describe(given: Instructions): string[] {
  const optional = (title: string, value: string | null | undefined): string[] =>
    value === null || value === undefined || value === "" ? [] : [`${title}:\n${value}`];
  return [
    `Domain: ${given.domain}`,
    `Reason for call:\n${given.reason_for_call}`,
    ...optional("Known info", given.known_info),
    ...optional("Unknown info", given.unknown_info),
    `Task instructions:\n${given.task_instructions}`,
  ];
}

/** A task as the `data` of an environment's task. */
export function taskData(value: TauTask): Json {
  return value as unknown as Json;
}
