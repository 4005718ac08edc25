import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option, type Command } from "commander";
import { ErrataError } from "../util/error.js";
import type { GgufPrecision } from "../engine/files/gguf.js";
import type { ExportPrecision } from "../take/export.js";
import { command } from "./command.js";
import { openModel } from "./open-model.js";
import { Terminal } from "./terminal.js";

interface ExportCommandOptions {
  readonly to?: "hf" | "gguf";
  readonly adapter?: boolean;
  readonly precision?: string;
  readonly push?: string;
  readonly public?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const ggufPrecisions = ["fp32", "f16", "q8_0"] as const satisfies GgufPrecision[];
const hfPrecisions = ["fp32", "bf16", "f16"] as const satisfies ExportPrecision[];

/** `errata export`. */
export const exportCommand: Command = command(
  "export",
  "write a run's student in the formats that other software loads",
  [
    "errata export arithmetic-seed0-1 --to hf my-model",
    "errata export gsm8k-seed0-1 --to hf my-model --precision bf16 --push me/my-model",
    "errata export gsm8k-seed0-1 --adapter my-adapter",
    "errata export gsm8k-seed0-1 --to gguf my-model --precision q8_0",
  ],
)
  .argument("<run>", "name or folder of a run; or a checkpoint: a folder or a hub id")
  .argument("<folder>", "where to write")
  .addOption(
    new Option(
      "--to <format>",
      "hf: config, safetensors, tokenizer, card; gguf: one file and a Modelfile",
    )
      .choices(["hf", "gguf"])
      .default("hf"),
  )
  .option("--adapter", "only the LoRA adapter, as PEFT loads it")
  .option(
    "--precision <name>",
    "of the weights: fp32, bf16 or f16 for hf (default fp32); fp32, f16 or q8_0 for gguf (default f16)",
  )
  .option(
    "--push <owner/name>",
    "upload to the Hugging Face Hub (HF_TOKEN); carries on where it stopped",
    hubName,
  )
  .option("--public", "with --push: a new repository is public; it is private by default")
  .option("--force", "write into a folder that holds other files")
  .action(exportAction);

function hubName(text: string): string {
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(text)) return text;
  throw new InvalidArgumentError("It reads owner/name.");
}

async function exportAction(
  where: string,
  folder: string,
  options: ExportCommandOptions,
): Promise<void> {
  const terminal = new Terminal(options);
  const { to = "hf", adapter = false, precision, push, force = false } = options;
  checkOptions(options);
  const { exportAdapter, exportGguf, exportPretrained } = await import("../take/export.js");
  const taken = await openModel(where);
  if (push !== undefined) (await import("../take/push.js")).requirePublishable(taken);
  const manifest = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const common = { version, force };
  const files = adapter
    ? await exportAdapter(taken, folder, common)
    : to === "gguf"
      ? await exportGguf(taken, folder, {
          ...common,
          ...(precision === undefined ? {} : { precision: precision as "f16" }),
        })
      : await exportPretrained(taken, folder, {
          ...common,
          ...(precision === undefined ? {} : { precision: precision as "f16" }),
        });
  terminal.print(`${taken.name}: ${files.join(", ")} in ${folder}`);
  let url: string | undefined;
  if (push !== undefined) {
    const { pushFolder } = await import("../take/push.js");
    url = await pushFolder(folder, files, {
      repository: push,
      visibility: options.public === true ? "public" : "private",
      onFile: (file) => terminal.status(`uploading ${file}`),
    });
    terminal.status("");
    terminal.print(`uploaded to ${url}`);
  }
  terminal.result({ model: taken.name, folder, files, ...(url === undefined ? {} : { url }) });
}

/** @throws ErrataError `EXPORT_OPTION` where options do not go together. */
function checkOptions({ to, adapter, precision, push, public: open }: ExportCommandOptions): void {
  const wrong = (what: string, hint: string): ErrataError =>
    new ErrataError(what, { code: "EXPORT_OPTION", hint });
  if (adapter === true && to === "gguf")
    throw wrong(
      "--adapter writes what PEFT loads, not GGUF",
      "leave out one of --adapter and --to gguf",
    );
  if (adapter === true && precision !== undefined)
    throw wrong("an adapter is written in fp32", "leave out --precision");
  const known: readonly string[] = to === "gguf" ? ggufPrecisions : hfPrecisions;
  if (precision !== undefined && !known.includes(precision))
    throw wrong(`--precision ${precision} is not one of --to ${to}`, `use ${known.join(", ")}`);
  if (open === true && push === undefined)
    throw wrong("--public says how to upload, and nothing is uploaded", "add --push owner/name");
}
