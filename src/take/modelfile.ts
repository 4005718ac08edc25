/** Modelfiles: how Ollama asks a GGUF model (https://docs.ollama.com/modelfile). */
import { readFileSync } from "node:fs";
import { wordsFile, type Taken } from "./source.js";

/** ChatML in Ollama's template language. */
const chatml = `{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
`;

/** The Modelfile of `taken`, whose weights are in the file `gguf` beside it. */
export function modelfile({ words, policy, run }: Taken, gguf: string): string {
  const lines = [
    `FROM ./${gguf}`,
    `PARAMETER num_ctx ${policy.shape.context}`,
    "PARAMETER temperature 1",
  ];
  const longest = run?.environment.maxActionSymbols;
  if (words.kind === "symbols") {
    lines.push('TEMPLATE """{{ .Prompt }}"""');
    if (longest !== undefined)
      lines.push(`PARAMETER num_predict ${longest === 1 ? 1 : longest + 1}`);
    return `${lines.join("\n")}\n`;
  }
  const texts = ["chat_template.jinja", "tokenizer_config.json"]
    .map((name) => wordsFile(words, name))
    .filter((path) => path !== undefined)
    .map((path) => readFileSync(path, "utf8"));
  if (texts.some((text) => text.includes("<|im_start|>"))) {
    lines.push(`TEMPLATE """${chatml}"""`, 'PARAMETER stop "<|im_end|>"');
  } else if (words.tokenizer.template !== undefined)
    lines.push("# Ollama takes the chat template from the model's file, where it knows it.");
  return `${lines.join("\n")}\n`;
}
