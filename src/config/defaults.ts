/** Defaults under a configuration that come as a group. */
import type { Config, ConfigInput } from "./config.js";

/** Plain GRPO on the same tasks: no partners, no corpus, no steering, no charge. */
export const grpo: ConfigInput = {
  reward: { penalty: 0, diverge: 0 },
  explore: { form: "none" },
  partners: { names: [] },
};

/** True when an open model trains in a user's environment and no preset applies. */
export function usesOpenModelAlone({
  environment,
  student,
}: Pick<Config, "environment" | "student">): boolean {
  return environment !== undefined && student.checkpoint !== undefined;
}

/**
 * Defaults under a configuration that trains an open model, beside its preset's: an adapter; and in an
 * environment of its own, where no weak partner is known, plain GRPO in steps that a processor can take.
 */
export function openModelDefaults(config: Config, now: Date = new Date()): ConfigInput {
  // A run keeps the day on which it was configured: its prompts must not follow the clock.
  const [year, month, day] = [now.getFullYear(), now.getMonth() + 1, now.getDate()];
  const templateDate = `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
  const adapter: ConfigInput =
    config.student.checkpoint === undefined ? {} : { student: { lora: {}, templateDate } };
  if (!usesOpenModelAlone(config)) return adapter;
  return {
    ...grpo,
    ...adapter,
    tasksPerStep: 4,
    learningRate: 1e-4,
    evaluateEvery: 10,
    evaluationTasks: 64,
    saveEvery: 5,
  };
}
