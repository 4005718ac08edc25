/** Tokenizer files: the ids of the tokenizers library, or a refusal. scripts/golden/make-tokenizers.py wrote the golden values. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrataError } from "../util/error.js";
import { PretrainedTokenizer } from "./pretrained-tokenizer.js";

const families = join(import.meta.dirname, "..", "engine", "golden", "families");
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
interface File {
  model: { vocab: Record<string, number>; merges: unknown[]; [key: string]: unknown };
  added_tokens: { id: number; content: string; [key: string]: unknown }[];
  [key: string]: unknown;
}
const fileOf = (family: string): File => json(join(families, family, "tokenizer.json")) as File;
const load = (tokenizer: unknown, config: object = {}): PretrainedTokenizer =>
  new PretrainedTokenizer({
    folder: "folder",
    tokenizer,
    generation: { eos_token_id: 0 },
    config: { ...(json(join(families, "smollm2", "tokenizer_config.json")) as object), ...config },
  });

interface Case {
  readonly family: string;
  readonly change: Record<string, unknown>;
  readonly ids?: readonly number[][];
}
const golden = json(join(import.meta.dirname, "golden", "tokenizers.json")) as {
  texts: string[];
  cases: Case[];
};

function changed({ family, change }: Case): File {
  const file = fileOf(family);
  for (const [key, value] of Object.entries(change)) {
    if (key === "tag") {
      const ids = [...Object.values(file.model.vocab), ...file.added_tokens.map((t) => t.id)];
      file.added_tokens.push({ id: Math.max(...ids) + 1, ...(value as { content: string }) });
    } else if (key.startsWith("model.")) file.model[key.slice("model.".length)] = value;
    else file[key] = value;
  }
  return file;
}

describe("a tokenizer file", () => {
  const refused = new Set<string>();
  test.each(golden.cases.map((c) => [c.family, JSON.stringify(c.change), c] as const))(
    "of %s with %s has the ids of the tokenizers library, or is refused",
    (_, name, golden_) => {
      let tokenizer: PretrainedTokenizer;
      try {
        tokenizer = load(changed(golden_));
      } catch (error) {
        expect(error).toMatchObject({ code: "TOKENIZER_FILE" });
        refused.add(name);
        return;
      }
      for (const [i, text] of golden.texts.entries())
        expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(golden_.ids![i]);
    },
  );

  test("is taken where it has the steps of Llama 3, Qwen and SmolLM2", () => {
    expect(golden.cases.length - refused.size).toBeGreaterThan(20);
    for (const name of refused) expect(name).not.toMatch(/^\{\}$|Digits|NFC|ignore_merges/);
  });

  test("with a token that counts in whole words alone is refused by that name", () => {
    const file = fileOf("smollm2");
    file.added_tokens.push({ id: 288, content: "tag", single_word: true });
    expect(() => load(file)).toThrow(/single_word/);
    const config = { added_tokens_decoder: { "288": { content: "tag", single_word: true } } };
    expect(() => load(fileOf("smollm2"), config)).toThrow(/tag/);
  });
});

describe("a damaged tokenizer file", () => {
  const damages: [string, (file: File) => void][] = [
    ["no model", (f) => delete (f as Partial<File>)["model"]],
    ["a model without merges", (f) => delete (f.model as Partial<File["model"]>).merges],
    ["merges of numbers", (f) => (f.model.merges = [1, 2])],
    ["a merge of three parts", (f) => (f.model.merges = ["a b c"])],
    ["a merge whose union is no token", (f) => f.model.merges.push(["!", "~"])],
    ["a vocabulary that is a list", (f) => ((f.model as Record<string, unknown>)["vocab"] = ["a"])],
    ["a negative id", (f) => (f.model.vocab["a"] = -1)],
    ["an id that is no integer", (f) => (f.model.vocab["a"] = 1.5)],
    ["an id of a billion", (f) => (f.model.vocab["a"] = 1e9)],
    ["two tokens of one id", (f) => (f.model.vocab["a"] = f.model.vocab["b"]!)],
    ["an added token that takes another's id", (f) => (f.added_tokens[0]!.id = 77)],
    ["an added token without content", (f) => (f.added_tokens[0]!.content = "")],
    ["no pre-tokenizer", (f) => (f["pre_tokenizer"] = null)],
    [
      "a pattern that is none",
      (f) =>
        (f["pre_tokenizer"] = {
          type: "Split",
          pattern: { Regex: "(" },
          behavior: "Isolated",
          invert: false,
        }),
    ],
    ["no decoder", (f) => (f["decoder"] = null)],
    [
      "a post-processor without parts",
      (f) => (f["post_processor"] = { type: "TemplateProcessing" }),
    ],
    ["an unknown key of the model", (f) => (f.model["byte_merge"] = true)],
  ];

  test.each(damages)("with %s is refused, naming it", (_, damage) => {
    const file = fileOf("smollm2");
    damage(file);
    expect(() => load(file)).toThrow(expect.objectContaining({ code: "TOKENIZER_FILE" }));
    expect(() => load(file)).toThrow(/tokenizer\.json/);
  });

  test("whose ids have holes is taken", () => {
    const file = fileOf("smollm2");
    file.added_tokens.push({ id: 400, content: "<far>" });
    const tokenizer = load(file);
    expect(tokenizer.size).toBe(401);
    expect(tokenizer.decode([350, ...tokenizer.encode("x")])).toBe("x");
  });

  test("never gives an error of anything but Errata", () => {
    const text = JSON.stringify(fileOf("smollm2"));
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.nat(12),
        fc.constantFrom("", "null", "0", '"', "[]", "{", "-1", "1e9"),
        (at, cut, put) => {
          let file: unknown;
          try {
            file = JSON.parse(text.slice(0, at) + put + text.slice(at + cut));
          } catch {
            return; // refused where the file is read
          }
          try {
            load(file).encode("Some text 12");
          } catch (error) {
            expect(error).toBeInstanceOf(ErrataError);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
