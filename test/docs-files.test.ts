import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

/** Files that a reader is to write. */
const readers = new Set(["errata.config.ts", "my/sums.ts", "my-study.ts"]);

const pages = [
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "bench/README.md",
  ...["docs", "src/environments"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${folder}/${file.replaceAll("\\", "/")}`),
  ),
];

test.each(pages)("every source file that %s names exists", (page) => {
  const text = readFileSync(join(root, page), "utf8");
  const named = [...text.matchAll(/`([\w./-]+\.(?:ts|js))`/g)].map(([, name]) => name!);
  const places = ["", "src", dirname(page), "src/environments"];
  const missing = named.filter(
    (name) => !readers.has(name) && !places.some((place) => existsSync(join(root, place, name))),
  );
  expect(missing).toEqual([]);
});
