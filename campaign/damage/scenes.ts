/** Folders as users have them, and what they run on them. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Ended } from "./commands.js";

/** A file of a scene. */
export interface SceneFile {
  readonly path: string;
  /**
   * `guarded`: what it held can be known, so no other content may pass for it. `given`: its user may write
   * what they like, so another content is another input. `aside`: nothing that is asked here is in it.
   */
  readonly is: "guarded" | "given" | "aside";
}

export interface SceneCommand {
  readonly args: readonly string[];
  /** Files it writes; they belong to what comes of it. */
  readonly outputs?: readonly string[];
  /** Whether it changes the folder, so that nothing else is run on it afterwards. */
  readonly changes?: true;
  /** A view of a run that may be training: what is damaged, `runs` and `report` say. */
  readonly live?: true;
  /** What it tells of times; left out where outcomes are compared. */
  readonly times?: RegExp;
}

export interface Scene {
  readonly files: readonly SceneFile[];
  readonly commands: Readonly<Record<string, SceneCommand>>;
  /** Makes it in an empty folder; a `variant` differs in what its files say. */
  readonly make: (
    folder: string,
    variant: number,
    errata: (...args: string[]) => Promise<Ended>,
  ) => Promise<void>;
}

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Partners, experts, probes, reviews, attempts that joined, a tracker: whatever writes a file. */
const settings = (variant: number) => ({
  preset: "arithmetic",
  seed: variant,
  steps: 4,
  tasksPerStep: 4,
  pool: 64,
  evaluationTasks: 16,
  evaluateEvery: 2,
  saveEvery: 2,
  saveSeconds: 3600,
  learningRate: 3e-4,
  probe: { every: 4, tasks: 8, attempts: 2 },
  expert: { minimumTraces: 16, maximumTraces: 64, steps: 10, batch: 32, refitEvery: 2 },
  corpus: { capacity: 256 },
  partners: { names: ["drop-carry"], every: 2, warmUpTraces: 24 },
  track: ["tensorboard"],
});

const checkpoint = "runs/hit/checkpoints/step-000004";

/** A run that has ended, and is carried on. */
const run: Scene = {
  files: [
    ...["config.json", "metrics.jsonl", "corpus.db", "reviews.jsonl", "arrivals.jsonl"].map(
      (name): SceneFile => ({
        path: `runs/hit/${name}`,
        is: name.startsWith("r") ? "given" : "guarded",
      }),
    ),
    ...[
      "state.json",
      "model.safetensors",
      "optimizer.safetensors",
      "corpus.db",
      "expert-drop-carry.safetensors",
    ].map((name): SceneFile => ({ path: `${checkpoint}/${name}`, is: "guarded" })),
    { path: "runs/hit/rollouts/step-000003.jsonl", is: "guarded" },
    ...["trackers.json", "seconds.json", "log.jsonl", "lock.db"].map((name): SceneFile => ({
      path: `runs/hit/${name}`,
      is: "aside",
    })),
    { path: "hit.config.json", is: "given" },
  ],
  commands: {
    runs: { args: ["runs", "--json"], times: /"changed":"[^"]+"/g },
    list: { args: ["corpus", "list", "--run", "hit", "--json"] },
    stats: { args: ["corpus", "stats", "--run", "hit", "--json"] },
    review: { args: ["corpus", "review", "next", "--run", "hit", "--json"] },
    ui: {
      args: ["@ui", "runs/hit"],
      live: true,
      times: /"changed":[\d.]+|"time":\d+|"seconds":[\d.]+|"log":\d+/g,
    },
    report: { args: ["report", "hit"], outputs: ["runs/hit/report.html"] },
    export: {
      args: ["export", "hit", "taken", "--json"],
      outputs: ["taken/model.safetensors", "taken/config.json"],
    },
    serve: { args: ["@serve", "hit"], times: /"seconds":[\d.]+/g },
    resume: {
      args: ["train", "--name", "hit", "--resume", "--steps", "6", "--json"],
      changes: true,
      times: /"(seconds|tokensPerSecond)":[\d.e-]+/g,
    },
  },
  async make(folder, variant, errata) {
    writeFileSync(join(folder, "hit.config.json"), JSON.stringify(settings(variant), null, 2));
    await errata("train", "--name", "hit", "-c", "hit.config.json", "--no-gate");
    await errata("corpus", "review", "set", "1", "valid", "--run", "hit", "--by", "ada");
    await errata("corpus", "review", "set", "2", "invalid", "--run", "hit", "--by", "ada");
  },
};

/** Tasks of one's own, attempts at them, and the corpus that they were imported into. */
const corpus: Scene = {
  files: [
    { path: "tasks.jsonl", is: "given" },
    { path: "attempts.jsonl", is: "given" },
    { path: "corpus.db", is: "given" },
  ],
  commands: {
    list: { args: ["corpus", "list", "--corpus", "corpus.db", "--json"] },
    stats: { args: ["corpus", "stats", "--corpus", "corpus.db", "--json"] },
    check: {
      args: ["env", "check", "./tasks.jsonl", "--json"],
      times: /"verdictsPerSecond":[\d.]+/g,
    },
    again: {
      args: [
        "corpus",
        "import",
        "--env",
        "./tasks.jsonl",
        "--format",
        "completions",
        "attempts.jsonl",
        "--json",
      ],
      changes: true,
    },
  },
  async make(folder, variant, errata) {
    const tasks = Array.from({ length: 40 }, (_, i) => ({
      question: `What is ${i} + ${i + variant}?`,
      answer: String(2 * i + variant),
    }));
    writeFileSync(join(folder, "tasks.jsonl"), tasks.map((t) => `${JSON.stringify(t)}\n`).join(""));
    const attempts = tasks.slice(0, 30).map(({ question, answer }, i) => ({
      question,
      completion: `Answer: ${Number(answer) + (i % 3)}`,
      model: i % 2 === 0 ? "small" : "tiny",
    }));
    writeFileSync(
      join(folder, "attempts.jsonl"),
      attempts.map((a) => `${JSON.stringify(a)}\n`).join(""),
    );
    await errata(
      "corpus",
      "import",
      "--env",
      "./tasks.jsonl",
      "--format",
      "completions",
      "attempts.jsonl",
    );
  },
};

const goldens = "src/engine/golden/families";

/** A model as transformers writes it; its weights have no checksum anywhere. */
const model: Scene = {
  files: [
    ["config.json", "given"] as const,
    ["model.safetensors", "given"] as const,
    ["tokenizer.json", "given"] as const,
    ["tokenizer_config.json", "given"] as const,
    ["chat_template.jinja", "given"] as const,
    ["generation_config.json", "given"] as const,
  ].map(([name, is]): SceneFile => ({ path: `model/${name}`, is })),
  commands: {
    serve: { args: ["@serve", "model"] },
    export: {
      args: ["export", "model", "taken", "--json"],
      outputs: ["taken/model.safetensors", "taken/config.json", "taken/tokenizer.json"],
    },
    gguf: {
      args: ["export", "model", "half", "--to", "gguf", "--json"],
      outputs: ["half/model.gguf", "half/Modelfile"],
    },
  },
  make(folder, variant) {
    cpSync(source(`${goldens}/${variant === 0 ? "llama" : "smollm2"}`), join(folder, "model"), {
      recursive: true,
    });
    return Promise.resolve();
  },
};

/** The same in several files with an index. */
const shards: Scene = {
  files: [
    "model.safetensors.index.json",
    "model-00001-of-00003.safetensors",
    "model-00003-of-00003.safetensors",
  ].map((name): SceneFile => ({ path: `model/${name}`, is: "given" })),
  commands: model.commands,
  make(folder, variant) {
    cpSync(source(`${goldens}/${variant === 0 ? "qwen2" : "qwen3"}`), join(folder, "model"), {
      recursive: true,
    });
    return Promise.resolve();
  },
};

/** An adapter as PEFT writes it, over a model beside it. */
const adapter: Scene = {
  files: ["adapter_config.json", "adapter_model.safetensors"].map((name): SceneFile => ({
    path: `adapter/${name}`,
    is: "given",
  })),
  commands: {
    serve: { args: ["@serve", "adapter"] },
    export: {
      args: ["export", "adapter", "taken", "--json"],
      outputs: ["taken/model.safetensors"],
    },
  },
  make(folder, variant) {
    cpSync(source(`${goldens}/llama`), join(folder, "model"), { recursive: true });
    cpSync(source(`${goldens}/llama/adapter`), join(folder, "adapter"), { recursive: true });
    const config = join(folder, "adapter/adapter_config.json");
    const said = JSON.parse(readFileSync(config, "utf8")) as Record<string, unknown>;
    writeFileSync(
      config,
      JSON.stringify(
        { ...said, base_model_name_or_path: "model", ...(variant === 0 ? {} : { lora_alpha: 3 }) },
        null,
        1,
      ),
    );
    return Promise.resolve();
  },
};

const commit = "0123456789abcdef0123456789abcdef01234567";

/** What the hub gave, in the cache, where the hub cannot be reached. */
const cache: Scene = {
  files: [
    `refs/main`,
    `${commit}/.complete`,
    `${commit}/config.json`,
    `${commit}/model.safetensors`,
  ].map((name): SceneFile => ({
    path: `cache/hub/some--model/${name}`,
    is: name.endsWith("s/main") ? "guarded" : "given",
  })),
  commands: { serve: { args: ["@serve", "some/model"] } },
  make(folder, variant) {
    const hub = join(folder, "cache/hub/some--model");
    cpSync(source(`${goldens}/${variant === 0 ? "llama" : "smollm2"}`), join(hub, commit), {
      recursive: true,
    });
    mkdirSync(join(hub, "refs"));
    writeFileSync(join(hub, "refs/main"), `${commit}\n`);
    writeFileSync(join(hub, commit, ".complete"), "");
    return Promise.resolve();
  },
};

/** What errata itself exported, of a model. */
const exported: Scene = {
  files: [
    ...["config.json", "model.safetensors", "tokenizer.json", "generation_config.json"].map(
      (name): SceneFile => ({ path: `taken/${name}`, is: "given" }),
    ),
    ...["errata.json", "README.md"].map((name): SceneFile => ({
      path: `taken/${name}`,
      is: "aside",
    })),
  ],
  commands: {
    serve: { args: ["@serve", "taken"] },
    again: {
      args: ["export", "model", "taken", "--force", "--json"],
      outputs: ["taken/model.safetensors", "taken/config.json"],
      changes: true,
    },
  },
  async make(folder, variant, errata) {
    await model.make(folder, variant, errata);
    await errata("export", "model", "taken");
  },
};

/** Files of a configuration. */
const configuration: Scene = {
  files: ["errata.config.json", "errata.config.mjs", "prices.json"].map((path): SceneFile => ({
    path,
    is: "given",
  })),
  commands: {
    json: { args: ["@config", "errata.config.json"] },
    mjs: { args: ["@config", "errata.config.mjs"] },
  },
  make(folder, variant) {
    const given = { ...settings(variant), prices: { file: "prices.json" } };
    writeFileSync(join(folder, "errata.config.json"), JSON.stringify(given, null, 2));
    writeFileSync(
      join(folder, "errata.config.mjs"),
      `export default ${JSON.stringify(given, null, 2)};\n`,
    );
    const prices = { currency: "EUR", student: 0.1 + variant, hours: { cpu: 0.25 } };
    writeFileSync(join(folder, "prices.json"), JSON.stringify(prices, null, 2));
    return Promise.resolve();
  },
};

/** A study that is over; its folder is named by a hash. */
const study: Scene = {
  files: [
    { path: "studies/*/protocol.json", is: "guarded" },
    ...["result.json", "runs.jsonl"].map((name): SceneFile => ({
      path: `studies/*/${name}`,
      is: "given",
    })),
    ...["rates.json", "report.md"].map((name): SceneFile => ({
      path: `studies/*/${name}`,
      is: "aside",
    })),
  ],
  commands: {
    report: { args: ["report", "studies/*", "--out", "page.html"], outputs: ["page.html"] },
    again: {
      args: ["compare", "studies/*", "--no-gate", "--json"],
      changes: true,
      times: /"seconds":\{[^}]*\}/g,
    },
  },
  async make(folder, variant, errata) {
    const { preset: _, seed: __, track: ___, ...config } = settings(variant);
    const arm = { family: "errata", description: "all of it", config: {} };
    const given = {
      name: "tiny",
      domain: "arithmetic",
      config: { ...config, steps: 2 },
      arms: [
        { ...arm, name: "errata" },
        { ...arm, name: "plain", config: { reward: { penalty: 0 } } },
      ],
      claims: [],
      seeds: { first: variant, count: 1 },
    };
    writeFileSync(join(folder, "tiny.mjs"), `export default ${JSON.stringify(given)};\n`);
    await errata("compare", "tiny.mjs", "--no-gate", "--no-tune");
  },
};

/** A path in a folder whose `*` stands for the one study in it. */
export function resolved(folder: string, path: string): string {
  return path.replace("studies/*", () => {
    const name = readdirSync(join(folder, "studies")).find((each) => each !== "runs");
    return `studies/${name}`;
  });
}

export const SCENES: Readonly<Record<string, Scene>> = {
  run,
  corpus,
  model,
  shards,
  adapter,
  exported,
  configuration,
  study,
  cache,
};
