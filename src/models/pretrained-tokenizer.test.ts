/**
 * Tokenizers against those of transformers: scripts/golden/make-families.py wrote the folders under
 * src/engine/golden/families.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../environments/environment.js";
import { loadTokenizer } from "./pretrained-tokenizer.js";
import { decodedCharacters } from "./utf8.js";

interface Golden {
  readonly texts: readonly { text: string; ids: number[]; decoded: string }[];
  readonly withSpecial: { text: string; ids: number[] };
  readonly conversations: readonly { messages: Message[]; text: string; ids: number[] }[];
  readonly stop: readonly number[];
}

const families = join(import.meta.dirname, "..", "engine", "golden", "families");
const readObject = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-tokenizer-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.each(["llama", "smollm2", "qwen2", "qwen3"])("the tokenizer of %s", (name) => {
  const folder = join(families, name);
  const golden = readObject(join(folder, "golden.json")) as unknown as Golden;

  test.each(golden.texts)(
    "has the tokens of transformers for $text",
    async ({ text, ids, decoded }) => {
      const tokenizer = await loadTokenizer(folder);
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
    },
  );

  test("renders conversations as transformers does", async () => {
    const tokenizer = await loadTokenizer(folder);
    for (const { messages, text, ids } of golden.conversations) {
      expect(tokenizer.template!.render(messages)).toBe(text);
      expect(tokenizer.encodePrompt({ observation: "not used", messages })).toEqual(ids);
    }
    const [{ messages, ids }] = golden.conversations as [Golden["conversations"][0]];
    expect(tokenizer.encodePrompt({ observation: messages[0]!.content })).toEqual(ids);
  });

  test("without a template puts the observation after the tokens the model expects first", async () => {
    const bare = join(scratch, name);
    cpSync(folder, bare, { recursive: true });
    rmSync(join(bare, "chat_template.jinja"));
    const tokenizer = await loadTokenizer(bare);
    expect(tokenizer.template).toBeUndefined();
    expect(tokenizer.encodePrompt({ observation: golden.withSpecial.text })).toEqual(
      golden.withSpecial.ids,
    );
  });

  test("stops where generation_config says, first at its own end of turn", async () => {
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer.stops).toEqual(golden.stop);
    expect(tokenizer.stop).toBe(golden.stop[0]);
    expect(tokenizer.decode(tokenizer.stops)).toBe("");
  });

  test("gives every text back, however it is written", async () => {
    const tokenizer = await loadTokenizer(folder);
    const composes = name.startsWith("qwen"); // normalised to NFC
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })),
        (text) => {
          const tokens = tokenizer.encode(text);
          expect(tokenizer.decode(tokens)).toBe(composes ? text.normalize("NFC") : text);
          expect(tokens.every((token) => token < tokenizer.size)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("replaces halves of surrogate pairs, and only those", async () => {
    const tokenizer = await loadTokenizer(folder);
    const decoded = tokenizer.decode(tokenizer.encode("a\ud83d b\udc69 \ud83d\udc69"));
    expect(decoded).toBe("a\ufffd b\ufffd \ud83d\udc69");
  });

  test("spans: in order, without gaps, each holding what its token stands for", async () => {
    const tokenizer = await loadTokenizer(folder);
    fc.assert(
      fc.property(fc.array(fc.nat(tokenizer.size - 1), { maxLength: 12 }), (tokens) => {
        const text = tokenizer.decode(tokens);
        const spans = tokenizer.spans(tokens);
        let reached = 0;
        for (const [i, { start, end }] of spans.entries()) {
          expect(start).toBeLessThanOrEqual(reached); // it may share a character with the last
          expect(end).toBeGreaterThanOrEqual(start);
          reached = Math.max(reached, end);
          const own = tokenizer.decode([tokens[i]!]);
          if (own.includes("\ufffd")) continue;
          if (own === "") expect(end).toBe(start);
          else expect(text.slice(start, end)).toBe(own);
        }
        expect(reached).toBe(text.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe("spans of an emoji", () => {
  test("are the whole of it for each of its tokens", async () => {
    const tokenizer = await loadTokenizer(join(families, "smollm2"));
    const tokens = tokenizer.encode("a👍b");
    const inside = tokenizer.spans(tokens).slice(1, -1);
    expect(inside.length).toBeGreaterThan(1);
    for (const span of inside) expect(span).toEqual({ start: 1, end: 3 });
    expect(tokenizer.spans([tokenizer.stop, ...tokens])[0]).toEqual({ start: 0, end: 0 });
  });
});

describe("characters of bytes", () => {
  test("are those of TextDecoder, whatever the bytes", () => {
    const interesting = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc2,
      0xe0,
      0xed,
      0xf0,
      0xf4,
      0xff,
      0x9f,
      0xa0,
      0x90,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(interesting, fc.nat(255)), { maxLength: 12 }), (values) => {
        const bytes = Uint8Array.from(values);
        const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        const characters = decodedCharacters(bytes);
        const parts = characters.map(({ start, end }) => decoder.decode(bytes.slice(start, end)));
        expect(parts.join("")).toBe(decoder.decode(bytes));
        expect(characters.map((c) => c.units)).toEqual(parts.map((part) => part.length));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("files of other ages", () => {
  const changed = (
    name: string,
    file: string,
    change: (value: Record<string, unknown>) => void,
  ): string => {
    const folder = join(scratch, `changed-${Math.random()}`);
    cpSync(join(families, name), folder, { recursive: true });
    const path = join(folder, file);
    const value = readObject(path);
    change(value);
    writeFileSync(path, JSON.stringify(value));
    return folder;
  };

  test("keep the template in tokenizer_config.json, alone or by name, and tokens as objects", async () => {
    const source = readFileSync(join(families, "llama", "chat_template.jinja"), "utf8");
    const golden = readObject(join(families, "llama", "golden.json")) as unknown as Golden;
    for (const template of [
      source,
      [
        { name: "default", template: source },
        { name: "tools", template: "" },
      ],
    ]) {
      const folder = changed("llama", "tokenizer_config.json", (config) => {
        config["chat_template"] = template;
        config["bos_token"] = { content: config["bos_token"], lstrip: false };
      });
      rmSync(join(folder, "chat_template.jinja"));
      const tokenizer = await loadTokenizer(folder);
      const { messages, ids } = golden.conversations[1]!;
      expect(tokenizer.encodePrompt({ observation: "", messages })).toEqual(ids);
    }
  });

  test("with a decoder that is not byte-level are refused by its name", async () => {
    const folder = changed("llama", "tokenizer.json", (value) => {
      value["decoder"] = { type: "Metaspace", replacement: "▁", prepend_scheme: "always" };
    });
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: "TOKENIZER_FILE",
      message: expect.stringContaining("Metaspace"),
    });
  });

  test("may keep what ends an answer in config.json alone, as one id or a list", async () => {
    for (const [eos, stops] of [
      [1, [1]],
      [
        [3, 1],
        [3, 1],
      ],
      [[-1, 1, 99999], [1]],
    ] as const) {
      const folder = changed(
        "llama",
        "tokenizer_config.json",
        (value) => delete value["eos_token"],
      );
      writeFileSync(join(folder, "config.json"), JSON.stringify({ eos_token_id: eos }));
      for (const generation of [undefined, {}, { eos_token_id: null }, { eos_token_id: [] }]) {
        rmSync(join(folder, "generation_config.json"), { force: true });
        if (generation !== undefined)
          writeFileSync(join(folder, "generation_config.json"), JSON.stringify(generation));
        expect((await loadTokenizer(folder)).stops).toEqual(stops);
      }
      writeFileSync(join(folder, "generation_config.json"), JSON.stringify({ eos_token_id: 2 }));
      expect((await loadTokenizer(folder)).stops).toEqual([2]); // comes before config.json
    }
  });

  test("in which nothing ends an answer are refused", async () => {
    const folder = changed("llama", "tokenizer_config.json", (value) => delete value["eos_token"]);
    writeFileSync(join(folder, "generation_config.json"), "{}");
    expect((await loadTokenizer(folder)).stops).toEqual([4]); // of config.json
    writeFileSync(join(folder, "config.json"), "{}");
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: "TOKENIZER_STOP" });
  });
});

describe("chat templates", () => {
  test("read variables, such as Qwen3's enable_thinking", async () => {
    const observation = "Think not";
    const folder = join(families, "qwen3");
    const thinking = await loadTokenizer(folder);
    const quick = await loadTokenizer(folder, { templateVariables: { enable_thinking: false } });
    const prompt = thinking.encodePrompt({ observation });
    const silent = quick.encodePrompt({ observation });
    expect(silent.slice(0, prompt.length)).toEqual(prompt);
    expect(quick.decode(silent.slice(prompt.length))).toBe("<think>\n\n</think>\n\n");
  });

  test("tell the day that they are given, and without one are refused where they ask", async () => {
    const folder = join(scratch, "dated");
    cpSync(join(families, "llama"), folder, { recursive: true });
    writeFileSync(join(folder, "chat_template.jinja"), "{{ strftime_now('%d %b %Y') }}");
    const { template } = await loadTokenizer(folder, { templateDate: "2024-07-26" });
    expect(template!.render([{ role: "user", content: "x" }])).toBe("26 Jul 2024");
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: "CHAT_TEMPLATE",
      hint: expect.stringContaining("student.templateDate"),
    });
  });

  test("that use what is not computed as in Jinja2 are refused when they are read", async () => {
    const folder = join(scratch, "uncomputed");
    cpSync(join(families, "llama"), folder, { recursive: true });
    writeFileSync(join(folder, "chat_template.jinja"), "{{ messages }}");
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: "CHAT_TEMPLATE" });
  });

  test("that refuse a conversation say why", async () => {
    const tokenizer = await loadTokenizer(join(families, "llama"));
    const messages: Message[] = [{ role: "tool", content: "42" }];
    expect(() => tokenizer.encodePrompt({ observation: "", messages })).toThrow(
      expect.objectContaining({
        code: "CHAT_TEMPLATE",
        message: expect.stringContaining("tools are not used here"),
      }),
    );
  });

  test("that cannot be parsed are refused", async () => {
    const folder = join(scratch, "unparsable");
    cpSync(join(families, "qwen2"), folder, { recursive: true });
    writeFileSync(join(folder, "chat_template.jinja"), "{% for %}");
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: "CHAT_TEMPLATE" });
  });
});
