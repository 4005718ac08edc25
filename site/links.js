/** Checks a built site without a server: every link and fragment that stays on it must lead somewhere. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

const attribute = /\s(?:href|src)="([^"]+)"/g;
const decode = (text) => decodeURIComponent(text.replaceAll("&amp;", "&"));

/** The links of the pages in a folder, served at `base`, that lead nowhere. */
export function faultsOf(folder, base) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".html"));
  const known = new Map();
  const idsOf = (path) => {
    if (!known.has(path))
      known.set(
        path,
        new Set(
          [...readFileSync(path, "utf8").matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decode(id)),
        ),
      );
    return known.get(path);
  };
  return files.flatMap((name) => {
    const links = new Set(
      [...readFileSync(join(folder, name), "utf8").matchAll(attribute)].map(([, to]) => to),
    );
    return [...links]
      .filter((to) => !/^(?:[a-z]+:|\/\/)/.test(to))
      .filter((to) => !leads(to, name))
      .map((to) => `${name}: ${to} leads nowhere`);
  });

  function leads(to, from) {
    const [path, hash] = decode(to.replace(/\?.*/, "")).split("#");
    if (path.startsWith("/") && !path.startsWith(base)) return false;
    const place =
      path === ""
        ? from
        : path.startsWith("/")
          ? path.slice(base.length)
          : posix.join(posix.dirname(from), path);
    const file = [place, `${place}.html`, posix.join(place, "index.html")]
      .map((one) => join(folder, one))
      .find(isFile);
    if (file === undefined) return false;
    return hash === undefined || hash === "" || !file.endsWith(".html") || idsOf(file).has(hash);
  }
}

const isFile = (path) => existsSync(path) && statSync(path).isFile();
