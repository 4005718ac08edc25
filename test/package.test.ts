/**
 * The package as others get it: packed as `npm run release` does, and installed from that file in
 * empty projects, with install scripts allowed and with them denied.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "errata-package-"));
const run = promisify(execFile);

/** Without what `npm test` hands down: npm's settings for this clone are not those of other projects. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$|VITEST)/i.test(name)),
);

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const windows = process.platform === "win32";
  const { stdout } = await run(windows ? "npm.cmd" : "npm", [...args, ...quiet], {
    cwd,
    env: environment,
    maxBuffer: 2 ** 26,
    shell: windows,
  });
  return stdout;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let tarball: string;
let size: number;
let files: ReadonlySet<string>;

/** A folder that keeps the packed file for the next run of these tests, on another Node. */
const kept = process.env["ERRATA_TEST_PACKED"];

beforeAll(async () => {
  const place = kept ?? folder;
  const told = join(place, "packed.json");
  if (!existsSync(told)) {
    const json = ["--json", "--pack-destination", place];
    writeFileSync(told, await npm(root, "pack", "--ignore-scripts=false", ...json));
  }
  const answer: unknown = JSON.parse(readFileSync(told, "utf8"));
  const [packed] = Object.values(answer as Record<string, Packed>); // an array, or by name since npm 12
  tarball = join(place, packed!.filename);
  size = packed!.size;
  files = new Set(packed!.files.map(({ path }) => path));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ours = (): string[] => [...files].filter((path) => !path.startsWith("node_modules/"));

describe("what is packed", () => {
  test("is the compiled command and library, models and documents", () => {
    for (const path of ["bin/errata.js", "dist/index.js", "dist/index.d.ts", "dist/cli/main.js"])
      expect(files).toContain(path);
    expect(files).toContain("checkpoints/manifest.json");
    expect(files).toContain("README.md");
  });

  test("has no tests, helpers of tests, sources, source maps or build stamps", () => {
    const stray = /(^|\/)(testing|test)(\/|\.)|\.test\.|\.stamp$|\.map$|^src\/.*\.ts$|tsconfig/;
    expect(ours().filter((path) => stray.test(path))).toEqual([]);
  });

  test("names every file that a compiled module imports", () => {
    for (const path of ours().filter((name) => /^dist\/.*\.js$/.test(name) && !/\/ui\//.test(name)))
      for (const [, target = ""] of readFileSync(join(root, path), "utf8").matchAll(
        /(?:from|import\() ?"(\.[^"]*\.js)"/g,
      ))
        expect(files).toContain(join(dirname(path), target));
  });

  test("brings ONNX Runtime for every platform, without an install script, and nothing else along", () => {
    const along = [...files].filter((path) => path.startsWith("node_modules/"));
    const packages = new Set(along.map((path) => path.split("/")[1]));
    expect(packages).toEqual(new Set(["onnxruntime-common", "onnxruntime-node"]));
    const platforms = along.flatMap(
      (path) => /bin\/napi-v6\/(\w+\/\w+)\/.*\.node$/.exec(path)?.[1] ?? [],
    );
    expect(new Set(platforms)).toEqual(
      new Set(["darwin/arm64", "linux/arm64", "linux/x64", "win32/arm64", "win32/x64"]),
    );
    expect(along.filter((path) => path.includes("/script/"))).toEqual([]);
  });

  test("is smaller than ONNX Runtime's own package of 113.5 MB", () => {
    expect(size / 1e6).toBeLessThan(113.5);
    const own = ours().reduce((sum, path) => sum + readFileSync(join(root, path)).length, 0);
    expect(own / 1e6).toBeLessThan(25);
  });

  test("has documents that link to nothing outside it", () => {
    const dead = ours()
      .filter((path) => path.endsWith(".md"))
      .flatMap((path) =>
        [...readFileSync(join(root, path), "utf8").matchAll(/\]\(([^)\s]+)\)/g)]
          .map(([, link = ""]) => link)
          .filter((link) => !/^([a-z]+:|#)/.test(link))
          .filter((link) => {
            const target = normalize(join(dirname(path), link.replace(/#.*/, "")));
            return ![...files].some((file) => file === target || file.startsWith(`${target}/`));
          })
          .map((link) => `${path}: ${link}`),
      );
    expect(dead).toEqual([]);
  });
});

/** An empty project in which the package is installed; the folder. */
async function project(name: string, ...flags: string[]): Promise<string> {
  const place = join(folder, name);
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), `{"name":"${name}","private":true,"type":"module"}`);
  await npm(place, "install", ...flags, tarball);
  return place;
}

// Whether scripts run is npm's affair, not Node's: both ways on the oldest Node are enough.
const oldest = process.version.startsWith("v20.");

describe.each([
  ...(oldest ? ([["allowed", "--ignore-scripts=false"]] as const) : []),
  ["denied", "--ignore-scripts"] as const,
])("in an empty project, with install scripts %s", (name, flag) => {
  let place: string;
  const errata = async (...args: string[]): Promise<string> =>
    (
      await run(
        process.execPath,
        [join(place, "node_modules", "errata", "bin", "errata.js"), ...args],
        {
          cwd: place,
          env: environment,
        },
      )
    ).stdout;

  beforeAll(async () => {
    place = await project(name, flag);
  }, 600_000);

  test("it installs, and the command runs", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    expect(await npm(place, "exec", "--no", "--", "errata", "--version")).toBe(`${version}\n`);
  });

  test("no package that it needs asks for CUDA", () => {
    const lock = readFileSync(join(place, "package-lock.json"), "utf8");
    const { packages } = JSON.parse(lock) as {
      packages: Record<string, { hasInstallScript?: true }>;
    };
    const asking = Object.keys(packages).filter(
      (path) => packages[path]!.hasInstallScript === true,
    );
    expect(asking.join()).not.toContain("onnxruntime");
    expect(existsSync(join(place, "node_modules", "onnxruntime-node"))).toBe(false);
  });

  test("doctor finds nothing that fails, and every prebuilt model", async () => {
    const { findings } = JSON.parse(await errata("doctor", "--json")) as {
      findings: { name: string; outcome: string; detail: string }[];
    };
    expect(findings.filter(({ outcome }) => outcome === "fail")).toEqual([]);
    const { detail } = findings.find((check) => /prebuilt/i.test(check.name))!;
    expect(detail).toMatch(/^(\d+) of \1/);
  });
});

describe("types, without skipLibCheck", () => {
  test("of all exports, a configuration and the examples compile in an empty project", async () => {
    const place = join(folder, "denied");
    const sources = {
      "errata.config.ts": `import { defineConfig } from "errata";
        export default defineConfig({ preset: "arithmetic", steps: 3 });`,
      "whole.ts": `import * as errata from "errata"; export default errata;`,
      "environment-gcd.ts": readFileSync(join(root, "examples", "environment-gcd.ts"), "utf8"),
      // Programs have @types/node; so does this one, from the clone.
      "loop.ts": `/// <reference path="${join(root, "node_modules", "@types", "node", "index.d.ts")}" />
        ${readFileSync(join(root, "examples", "loop.ts"), "utf8")}`,
    };
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(place, name), text);
    const options = {
      strict: true,
      module: "nodenext",
      skipLibCheck: false,
      noEmit: true,
      types: [],
    };
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const compile = run(process.execPath, [compiler, "-p", place], { cwd: place });
    await expect(compile).resolves.toMatchObject({ stdout: "" });
    writeFileSync(
      join(place, "errata.config.ts"),
      `import { defineConfig } from "errata";
      export default defineConfig({ preset: 3 });`,
    );
    await expect(run(process.execPath, [compiler, "-p", place])).rejects.toMatchObject({
      stdout: expect.stringContaining("errata.config.ts") as string,
    });
  });
});
