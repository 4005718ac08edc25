/** Keeps dist/ as new as src/ in a clone; an installed package has no sources and nothing to do. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Every file below `folder`. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** The page of the dashboard, which a bundler builds: below src/ and below dist/. */
const page = join("ui", "page");

/** What is made from `source` and the settings: their names, sizes and times. */
function stampOf(source, settings) {
  const hash = createHash("sha256").update(process.platform);
  for (const file of [...filesIn(source), ...settings.map((name) => join(root, name))]) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(root, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/**
 * Makes dist/ as new as src/: the compiled package, and the dashboard's page where the bundler is
 * installed.
 */
export function buildIfStale() {
  if (!existsSync(join(root, "tsconfig.build.json"))) return;
  removeLeft();
  compileIfStale();
  bundleIfStale();
}

/** Removes the folders of builds that were killed: those of processes that are gone. */
function removeLeft() {
  for (const name of readdirSync(root)) {
    const pid = /^\.build-(?:page-)?(\d+)(?:-old)?$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(root, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * Compiles src/ where dist/ was made from other sources. Every process that finds it so compiles
 * into a folder of its own and moves whole files into place, so starts at the same time cannot
 * clash. Types are not checked here: that is `npm run check`.
 */
function compileIfStale() {
  const source = join(root, "src");
  const target = join(root, "dist");
  const stampFile = join(target, ".stamp");
  const stamp = stampOf(source, ["tsconfig.json", "tsconfig.build.json", "package.json"]);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;

  const fresh = join(root, `.build-${process.pid}`);
  try {
    compile(fresh);
    const files = filesIn(fresh).map((file) => relative(fresh, file));
    for (const file of files) {
      mkdirSync(dirname(join(target, file)), { recursive: true });
      renameSync(join(fresh, file), join(target, file));
    }
    const current = new Set([...files, ".stamp"]);
    for (const file of filesIn(target).map((path) => relative(target, path)))
      if (!current.has(file) && !file.startsWith(page)) rmSync(join(target, file), { force: true });
    writeFileSync(join(fresh, ".stamp"), stamp);
    renameSync(join(fresh, ".stamp"), stampFile);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Bundles the dashboard's page, whole or not at all; without the bundler it stays as it is. */
function bundleIfStale() {
  const source = join(root, "src", page);
  let vite;
  try {
    const manifest = createRequire(import.meta.url).resolve("vite/package.json");
    vite = join(dirname(manifest), "bin", "vite.js");
  } catch {
    return;
  }
  const target = join(root, "dist", page);
  const stamp = stampOf(source, ["package.json", join("src", "ui", "api.ts")]);
  const stampFile = join(target, ".stamp");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  const fresh = join(root, `.build-page-${process.pid}`);
  const old = `${fresh}-old`;
  try {
    const options = ["build", source, "--outDir", fresh, "--emptyOutDir", "--logLevel", "error"];
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [vite, ...options], {
      encoding: "utf8",
    });
    if (status !== 0)
      fail(
        `the dashboard's page does not build:\n${stdout ?? ""}${stderr ?? ""}${error ?? ""}`,
        "mend the errors above",
      );
    writeFileSync(join(fresh, ".stamp"), stamp);
    mkdirSync(dirname(target), { recursive: true });
    if (existsSync(target)) renameSync(target, old);
    try {
      renameSync(fresh, target);
    } catch (cause) {
      if (!existsSync(stampFile)) throw cause; // another start has just put the same page there
    }
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
}

function compile(folder) {
  let compiler;
  try {
    const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
    compiler = join(dirname(manifest), "bin", "tsc");
  } catch {
    fail(
      "dist/ is not built from these sources, and there is no TypeScript to build it",
      "run: npm ci",
    );
  }
  const options = ["-p", join(root, "tsconfig.build.json"), "--outDir", folder, "--noCheck"];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [compiler, ...options], {
    encoding: "utf8",
  });
  if (status !== 0)
    fail(
      `src/ does not compile:\n${stdout ?? ""}${stderr ?? ""}${error ?? ""}`,
      "mend the errors above",
    );
}

function fail(message, hint) {
  const error = new Error(`${message}\n${hint}`);
  error.name = "BuildError";
  throw error;
}
