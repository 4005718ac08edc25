import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { protocolOf, studyFolder } from "../study/design/protocol.js";
import { armStudy, onlyArms, requireArms } from "../study/design/studies.js";
import { applyOverrides } from "../config/overrides.js";
import { command, wholeNumber } from "./command.js";
import { compareStudy, names } from "./compare.js";

interface StudyFlags {
  readonly arms?: readonly string[];
  readonly seeds: number;
  readonly firstSeed: number;
  readonly steps?: number;
  readonly set?: readonly string[];
  readonly workers: number;
  readonly json?: boolean;
}

const folder = "studies";

/** `errata study`: `errata compare` of a handful of arms with plain GRPO, nothing tuned. */
export const studyCommand: Command = command(
  "study",
  "train arms that differ in one thing over several seeds, and compare them with plain GRPO",
  [
    "errata study arithmetic --seeds 5",
    "errata study proof-forks --arms grpo,matching,self --seeds 10 --json",
  ],
)
  .argument("<preset>", "domain and base models")
  .option("--arms <names>", "only these arms, separated by commas (default: all)", names)
  .option("--seeds <n>", "how many seeds", wholeNumber(1), 5)
  .option("--first-seed <n>", "the first of them", wholeNumber(0), 0)
  .option("--steps <n>", "training steps of every run", wholeNumber(1))
  .option("--set <key=value...>", "override any key of every arm's configuration")
  .option("--workers <n>", "runs trained at once", wholeNumber(1), availableParallelism())
  .addHelpText(
    "after",
    "\nStart it again to carry on. errata compare tunes learning rates and judges claims.\n",
  )
  .action(study);

async function study(preset: string, flags: StudyFlags): Promise<void> {
  const { arms, seeds, firstSeed, steps, set = [], workers } = flags;
  const all = armStudy(preset, { first: firstSeed, count: seeds });
  if (arms !== undefined) requireArms(all, arms);
  const protocol = await protocolOf(arms === undefined ? all : onlyArms(all, arms), {
    config: applyOverrides(steps === undefined ? {} : { steps }, set),
    rates: {},
  });
  await compareStudy(protocol, {
    ...flags,
    study: studyFolder(folder, protocol),
    folder,
    jobs: workers,
    gate: false,
    again: [
      `npx errata study ${preset}`,
      ...(arms === undefined ? [] : [`--arms ${arms.join(",")}`]),
      `--seeds ${seeds}`,
      ...(firstSeed === 0 ? [] : [`--first-seed ${firstSeed}`]),
      ...(steps === undefined ? [] : [`--steps ${steps}`]),
      ...(set.length === 0 ? [] : [`--set ${set.map((text) => `'${text}'`).join(" ")}`]),
    ].join(" "),
  });
}
