import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { faultsOf } from "../site/links.js";
import { relinked } from "../site/pages.js";

const folder = mkdtempSync(join(tmpdir(), "errata-site-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

mkdirSync(join(folder, "docs"));
writeFileSync(join(folder, "index.html"), '<h2 id="top"></h2><a href="docs/a.html#part">a</a>');

const linkTo = (to: string, base = "/") => {
  writeFileSync(join(folder, "docs/a.html"), `<p id="part"></p><a href="${to}">b</a>`);
  return faultsOf(folder, base);
};

test.each(["../index.html#top", "/docs/a", "/docs/a.html?x#part", "#part", "https://a.org/gone"])(
  "%s leads somewhere",
  (to) => {
    expect(linkTo(to)).toEqual([]);
  },
);

test.each(["../gone.html", "/docs/a#gone", "#gone", "/docs/gone/"])("%s leads nowhere", (to) => {
  expect(linkTo(to)).toEqual([`docs/a.html: ${to} leads nowhere`]);
});

test("on a site that is served elsewhere, links begin there", () => {
  expect(linkTo("/errata/docs/a#part", "/errata/")).toEqual([]);
  expect(linkTo("/docs/a#part", "/errata/")).toHaveLength(1);
});

test("targets of links are changed, but for those in code", () => {
  const text = '[a](b.md "t") and `[c](d.md)`\n\n```\n[e](f.md)\n```\n\n[g]: h.md\n';
  expect(relinked(text, (target) => target.toUpperCase())).toBe(
    '[a](B.MD "t") and `[c](d.md)`\n\n```\n[e](f.md)\n```\n\n[g]: H.MD\n',
  );
});
