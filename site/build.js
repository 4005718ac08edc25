/**
 * Builds the documentation as a website in site/dist: the project's pages and the reference of its public API. Fails
 * where a link leads nowhere.
 *
 *     npm run site               builds it
 *     npm run site -- --serve    builds it and shows it at http://localhost:4173
 *     ERRATA_SITE_BASE=/errata/  where it is to be served, / by default
 */
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const site = fileURLToPath(new URL(".", import.meta.url));
const windows = process.platform === "win32";

/** The site's own packages, in its own folder: their install scripts are denied there too. */
function install() {
  const [wanted, installed] = ["package-lock.json", "node_modules/.package-lock.json"].map((name) =>
    join(site, name),
  );
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync(windows ? "npm.cmd" : "npm", ["ci", ...quiet], {
    cwd: site,
    stdio: "inherit",
    shell: windows,
  });
}

install();
const { stagePages } = await import("./pages.js");
const { writeApi } = await import("./api.js");
const { faultsOf } = await import("./links.js");
const { build, serve } = await import("vitepress");

const faults = stagePages();
await writeApi();
process.env.NODE_ENV = "production";
await build(site);
faults.push(...faultsOf(join(site, "dist"), process.env.ERRATA_SITE_BASE ?? "/"));
for (const fault of faults) console.log(fault);
if (faults.length > 0) process.exitCode = 1;
else if (process.argv.includes("--serve")) await serve({ root: site });
else console.log("built: site/dist");
