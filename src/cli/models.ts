import type { Command } from "commander";
import { command, group } from "./command.js";
import { showBuild } from "./progress.js";
import { duration, magnitude, Terminal } from "./terminal.js";

interface BuildOptions {
  readonly preset: string;
  readonly rebuild?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

const buildCommand = command(
  "build",
  "train a preset's base student and weak partners, or find them",
  [
    "errata models build --preset arithmetic",
    "errata models build --preset arithmetic --rebuild --out checkpoints",
  ],
)
  .option("-p, --preset <name>", "whose models", "proof")
  .option("--rebuild", "train them even where they are at hand")
  .option("--out <folder>", "also write them here, as the package's prebuilt checkpoints are")
  .action(build);

/** `errata models`. */
export const modelsCommand: Command = group(
  "models",
  "the base models that runs start from",
).addCommand(buildCommand);

async function build(options: BuildOptions): Promise<void> {
  const terminal = new Terminal(options);
  const [{ LocalEngine }, { savePrebuilt }, { modelFile, presetModel }, { presetNamed }] =
    await Promise.all([
      import("../engine/local.js"),
      import("../students/prebuilt.js"),
      import("../students/models.js"),
      import("../students/presets/presets.js"),
    ]);
  const preset = presetNamed(options.preset);
  const environment = preset.environment();
  const engine = new LocalEngine();
  const built = [];
  for (const [name, recipe] of Object.entries({ student: preset.student, ...preset.partners })) {
    const started = performance.now();
    const policy = await presetModel(preset, name, recipe, engine, {
      rebuild: options.rebuild ?? false,
      onProgress: showBuild(terminal),
    });
    const seconds = (performance.now() - started) / 1000;
    const cached = await modelFile(environment, recipe);
    const named = { file: cached, name: `${preset.name}-${name}`, policy };
    const file = options.out === undefined ? cached : await savePrebuilt(options.out, named);
    built.push({ name, file, parameters: engine.parameters(policy), seconds });
    terminal.print(
      `${name.padEnd(18)}  ${file}  ${magnitude(engine.parameters(policy))} parameters, ${duration(seconds)}`,
    );
  }
  terminal.result({ preset: preset.name, out: options.out ?? null, models: built });
}
