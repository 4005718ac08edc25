/** What `errata init` writes. */

/** Templates, the default first. */
export const templateNames = ["preset", "environment", "tasks"] as const;
export type TemplateName = (typeof templateNames)[number];

/** The open model of the template `tasks`. */
export const defaultStudent = "HuggingFaceTB/SmolLM2-135M-Instruct";

interface Project {
  readonly name: string;
  /** Errata's version. */
  readonly version: string;
  readonly student: string;
}

type Files = Readonly<Record<string, string>>;

/** The files of each template, by name. */
export const templates: Readonly<Record<TemplateName, (project: Project) => Files>> = {
  preset: (project) => ({
    "errata.config.ts": configFile([
      'preset: "arithmetic", // five-digit sums; the student drops carries',
      "steps: 40,",
    ]),
    ...common(project, "It trains a small model from scratch on sums, with nothing to download."),
  }),
  environment: (project) => ({
    "errata.config.ts": configFile([
      'environment: "./environment.ts", // your rules',
      'preset: "arithmetic", // whose student and weak partners know the symbols of your rules',
      "steps: 40,",
    ]),
    "environment.ts": environmentFile,
    ...common(
      project,
      "It trains a small model in the environment of `environment.ts`. Check that after every change: `npx errata env check environment.ts`.",
    ),
  }),
  tasks: (project) => ({
    "errata.config.ts": configFile([
      'environment: "./tasks.jsonl", // your questions, one a line',
      "student: {",
      `  checkpoint: ${JSON.stringify(project.student)}, // a folder, or a hub id`,
      "  maxTokens: 16, // longest answer",
      "},",
      "steps: 20,",
      "tasksPerStep: 4,",
      "evaluationTasks: 32,",
    ]),
    "tasks.jsonl": tasksFile(),
    ...common(
      project,
      "It trains an adapter of an open model on the questions in `tasks.jsonl`. Check them after every change: `npx errata env check tasks.jsonl`.",
    ),
  }),
};

function configFile(lines: readonly string[]): string {
  const body = lines.map((line) => `  ${line}\n`).join("");
  return `import { defineConfig } from "errata";\n\n// Every key and its meaning: npx errata train --dry-run\nexport default defineConfig({\n${body}});\n`;
}

function common({ name, version }: Project, what: string): Files {
  const manifest = {
    name,
    private: true,
    type: "module",
    scripts: { train: "errata train" },
    dependencies: { errata: version },
  };
  return {
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    ".gitignore": "node_modules\nruns\ncache\n",
    "README.md": `# ${name}

${what}

    npx errata train                       # train; Ctrl-C saves, --resume carries on
    npx errata runs                        # what there is
    npx errata chat <run>                  # watch the student at a task
    npx errata export <run> model          # for transformers; --to gguf for llama.cpp and Ollama
    npx errata serve <run>                 # an OpenAI-compatible server

A configuration may also be JSON (\`npx errata train -c run.json\`), with
\`"$schema": "./node_modules/errata/errata-config.schema.json"\` for your editor.
`,
  };
}

const environmentFile = `/** Sums of which at least two columns carry. Change what is drawn, shown or judged to your own. */
import { defineEnvironment, environment } from "errata";

const sums = environment("arithmetic");

/** Columns of a + b in which a one is carried. */
function carries(a: number, b: number): number {
  let [count, carry] = [0, 0];
  for (let column = 1; column <= Math.max(a, b); column *= 10) {
    const digit = Math.floor(a / column) % 10;
    carry = digit + (Math.floor(b / column) % 10) + carry > 9 ? 1 : 0;
    count += carry;
  }
  return count;
}

export default defineEnvironment({
  ...sums,
  name: "carrying-sums",
  levels: ["addition"],
  draw(options) {
    for (;;) {
      const task = sums.draw(options);
      const [a = 0, b = 0] = String(JSON.stringify(task.data)).match(/\\d+/g)?.map(Number) ?? [];
      if (carries(a, b) >= 2) return { ...task, domain: "carrying-sums" };
    }
  },
});
`;

/** Sums in words: 200 questions whose answers are numbers. */
function tasksFile(): string {
  const lines: string[] = [];
  for (let a = 2; a <= 21; a++)
    for (let b = 3; b <= 30; b += 3) {
      const prompt = `What is ${a} + ${b}? Answer with the number alone.`;
      lines.push(JSON.stringify({ prompt, answer: String(a + b), verifier: "number" }));
    }
  return `${lines.join("\n")}\n`;
}
