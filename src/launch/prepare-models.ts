/** The base models of several runs, trained before the runs begin and each only once. */
import type { Config } from "../config/config.js";
import { LocalEngine } from "../engine/local.js";
import { presetFor } from "./prepare.js";
import { presetModel, rightSolutions, type PrepareOptions } from "../students/models.js";

/** Trains the base models that `configs` need and that are not at hand, each once. */
export async function prepareModels(
  configs: readonly Config[],
  options: Pick<PrepareOptions, "signal" | "onProgress"> = {},
): Promise<void> {
  const engine = new LocalEngine();
  for (const config of configs) {
    const preset = await presetFor(config);
    const { source, accuracy } = config.teacher;
    const taughtWrong = source === "right-solutions" && accuracy < 1;
    const all = Object.keys(preset.partners);
    const wanted = new Set(taughtWrong ? all : (config.partners.names ?? all));
    if (config.student.checkpoint === undefined)
      await presetModel(preset, "student", preset.student, engine, options);
    if (source === "right-solutions")
      await presetModel(preset, "teacher", rightSolutions(preset), engine, options);
    for (const [name, recipe] of Object.entries(preset.partners))
      if (wanted.has(name)) await presetModel(preset, name, recipe, engine, options);
  }
  options.signal?.throwIfAborted();
}
