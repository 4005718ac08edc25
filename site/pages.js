/**
 * The pages of the site: Markdown of the project, copied to site/.pages with links that hold there. A README becomes its
 * folder's index, a file of code that a page links to becomes a page, and what a browser shows as it is (reports,
 * pictures, tables) is copied beside them. A link to nothing is a fault.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, extname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const staged = join(root, "site/.pages");

const asItIs = new Set([".html", ".json", ".csv", ".svg", ".png"]);
const fences = { ".ts": "ts", ".js": "js", ".py": "py", ".sh": "sh" };

const markdownIn = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => posix.join(folder, name));

const sources = () => [
  ...[".", "docs", "experiments", "bench", "campaign"].flatMap(markdownIn),
  ...readdirSync(join(root, "src/environments"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `src/environments/${name.replaceAll("\\", "/")}`),
];

const placeOf = (path) => path.replace(/(^|\/)README\.md$/, "$1index.md");

/** Copies every page; gives the list of links that lead nowhere. */
export function stagePages() {
  rmSync(staged, { recursive: true, force: true });
  const pages = new Map(sources().map((path) => [path, placeOf(path)]));
  const faults = [];
  write("reports/index.md", reportList());
  const queue = [...pages.keys()];
  for (const path of queue) {
    const text = readFileSync(join(root, path), "utf8");
    if (!path.endsWith(".md")) write(pages.get(path), codePage(path, text));
    else
      write(
        pages.get(path),
        relinked(text, (target) => moved(path, target, pages, queue, faults)),
      );
  }
  cpSync(join(root, "docs/images"), join(staged, "docs/images"), { recursive: true });
  return faults;
}

function write(path, text) {
  mkdirSync(dirname(join(staged, path)), { recursive: true });
  writeFileSync(join(staged, path), text);
}

const codePage = (path, text) =>
  `# ${path.split("/").at(-1)}\n\n\`${path}\`\n\n\`\`\`\`${fences[extname(path)] ?? "text"}\n${text}\`\`\`\`\n`;

/** A page's text with the targets of its links changed, but for those in code. */
export function relinked(text, change) {
  return text
    .split(/(^ *```[^]*?^ *```$|`[^`\n]+`)/m)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part
            .replace(/(\]\()([^)\s]+)/g, (_, open, target) => open + change(target))
            .replace(/^(\[[^\]]+\]:\s+)(\S+)/gm, (_, open, target) => open + change(target))
            .replace(/(<picture>[^]*?<\/picture>)/g, pictures),
    )
    .join("");
}

/** Both pictures of a pair, of which the style sheet shows the one of the reader's choice, dark or light. */
function pictures(picture) {
  const [, dark] = picture.match(/srcset="([^"]+)"/);
  const [, alt] = picture.match(/alt="([^"]+)"/);
  const [, light] = picture.match(/ src="([^"]+)"/);
  return `<img class="on-light" alt="${alt}" src="./${light}"><img class="on-dark" alt="${alt}" src="./${dark}">`;
}

/** Where a link of a page leads on the site. */
function moved(from, target, pages, queue, faults) {
  if (/^(?:#|[a-z]+:)/.test(target)) return target;
  const [path, hash = ""] = target.split(/(?=#)/);
  let to = posix.join(posix.dirname(from), path).replace(/\/$/, "");
  if (!existsSync(join(root, to))) {
    faults.push(`${from}: ${target} is not there`);
    return target;
  }
  if (to === "reports") return relative(placeOf(from), "reports/index.md");
  if (statSync(join(root, to)).isDirectory()) to += "/README.md";
  if (asItIs.has(extname(to))) {
    cpSync(join(root, to), join(staged, "public", to));
    return `/${to}`;
  }
  if (!pages.has(to) && fences[extname(to)] !== undefined) {
    pages.set(to, `${to}.md`);
    queue.push(to);
  }
  if (!pages.has(to)) faults.push(`${from}: ${target} is no page of the site`);
  return relative(placeOf(from), pages.get(to) ?? to) + hash;
}

function relative(from, to) {
  const path = posix.relative(posix.dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}

/** A page that lists the studies' reports. */
function reportList() {
  const rows = readdirSync(join(root, "reports")).map((name) => {
    const files = ["report.html", "result.json"].filter((file) =>
      existsSync(join(root, "reports", name, file)),
    );
    for (const file of files)
      cpSync(join(root, "reports", name, file), join(staged, "public/reports", name, file));
    return `- ${name}: ${files.map((file) => `[${file.split(".")[0]}](/reports/${name}/${file})`).join(", ")}`;
  });
  return `# Reports\n\nOne page for each study: arms, claims, and the command that made it.\n\n${rows.join("\n")}\n`;
}
