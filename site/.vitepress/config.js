import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitepress";
import { root, staged } from "../pages.js";

const base = process.env.ERRATA_SITE_BASE ?? "/";
const docs = readFileSync(join(root, "docs/README.md"), "utf8");

const titleOf = (path) =>
  readFileSync(join(root, path), "utf8")
    .match(/^# (.+)$/m)[1]
    .replaceAll("`", "");

/** The pages of docs/ that a part of docs/README.md links to, in its order, each once. */
const listed = new Set();
function pagesOf(part) {
  const names = [...part.matchAll(/\]\(([\w-]+)\.md\)/g)].map(([, name]) => name);
  const fresh = [...new Set(names)].filter((name) => !listed.has(name));
  for (const name of fresh) listed.add(name);
  return fresh.map((name) => ({ text: titleOf(`docs/${name}.md`), link: `/docs/${name}` }));
}

const [start, mechanisms] = docs.split(/^Then there is one page/m).map(pagesOf);
for (const file of readdirSync(join(root, "docs")).filter((name) => /^[a-z].*\.md$/.test(name)))
  if (!listed.has(file.slice(0, -3))) throw new Error(`docs/README.md does not list ${file}`);

const folder = (name) =>
  readdirSync(join(root, name))
    .filter((file) => /^[a-z\d].*\.md$/.test(file))
    .toSorted()
    .toReversed()
    .map((file) => ({ text: titleOf(`${name}/${file}`), link: `/${name}/${file.slice(0, -3)}` }));

const apiSidebar = join(staged, "api/sidebar.json");
const api = existsSync(apiSidebar) ? JSON.parse(readFileSync(apiSidebar, "utf8")) : [];

/** Files that are no pages are loaded as they are: the router would look for a page. */
function leaveRouter(md) {
  md.core.ruler.push("leave-router", ({ tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? []))
      if (token.type === "link_open" && /^\/.*\.(?:html|json|csv)$/.test(token.attrGet("href"))) {
        token.attrSet("href", base + token.attrGet("href").slice(1));
        token.attrSet("target", "_self");
      }
  });
}

export default defineConfig({
  base,
  title: "Errata",
  description: "Train a small reasoning model on the mistakes of weaker ones.",
  srcDir: ".pages",
  outDir: "dist",
  cacheDir: ".cache",
  head: [["link", { rel: "icon", href: "data:," }]],
  vite: { build: { chunkSizeWarningLimit: 10_000 } },
  markdown: { config: leaveRouter },
  themeConfig: {
    outline: [2, 3],
    search: { provider: "local" },
    nav: [
      { text: "Docs", link: "/docs/" },
      { text: "API", link: "/api/" },
      { text: "Results", link: "/docs/results" },
      { text: "Experiments", link: "/experiments/" },
      { text: "Changelog", link: "/CHANGELOG" },
    ],
    sidebar: {
      "/experiments/": [
        { text: "Experiments", link: "/experiments/", items: folder("experiments") },
      ],
      "/api/": [{ text: "API", link: "/api/", items: api }],
      "/": [
        { text: "Start", items: [{ text: "What Errata is", link: "/" }, ...start] },
        { text: "Mechanisms and reference", items: mechanisms },
        {
          text: "Project",
          items: ["ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"].map((name) => ({
            text: titleOf(`${name}.md`),
            link: `/${name}`,
          })),
        },
      ],
    },
  },
});
