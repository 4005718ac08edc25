import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkEnvironment } from "../assess/check-environment.js";
import { parseConfig } from "../config/parse.js";
import { environmentNamed } from "../environments/from-file.js";
import { errata, tinyPlace, type Place } from "../../test/tiny.js";
import { templateNames, templates } from "./init-templates.js";

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "errata-init-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const project = { name: "mine", version: "1.2.3", student: "owner/model" };

function write(name: (typeof templateNames)[number], file: string): string {
  const path = join(folder, `${name}-${file}`);
  writeFileSync(path, templates[name](project)[file]!);
  return path;
}

describe("a template", () => {
  test.each(templateNames)("%s depends on this version and says what comes next", (name) => {
    const files = templates[name](project);
    expect(JSON.parse(files["package.json"]!)).toMatchObject({
      name: "mine",
      dependencies: { errata: "1.2.3" },
    });
    expect(files["README.md"]).toContain("npx errata train");
    expect(files["errata.config.ts"]).toContain("defineConfig({");
    expect(files[".gitignore"]).toContain("runs");
  });

  test("tasks has questions that its own verifier accepts", async () => {
    const environment = await environmentNamed(write("tasks", "tasks.jsonl"));
    expect(environment.tasks!("train").length).toBeGreaterThan(100);
    expect((await checkEnvironment(environment, { tasks: 30, seed: 0 })).failures).toEqual([]);
  });

  test("a configuration in JSON names the schema that the package holds", () => {
    expect(templates.preset(project)["README.md"]).toContain("errata/errata-config.schema.json");
    expect(parseConfig({ preset: "arithmetic", steps: 40 }).steps).toBe(40);
  });
});

describe("the commands", () => {
  let place: Place;
  beforeAll(async () => {
    place = await tinyPlace();
  });
  afterAll(() => place.remove());

  test("write a project once, and never over another", async () => {
    const made = await errata(place, ["init", "project", "--json"]);
    expect(JSON.parse(made.stdout)).toMatchObject({
      template: "preset",
      next: ["cd project", "npx errata train"],
    });
    const again = await errata(place, ["init", "project"]);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain("INIT_EXISTS");
  });

  test("write a project where the package was just installed, and keep what package.json says", async () => {
    const path = join(place.folder, "fresh", "package.json");
    mkdirSync(join(place.folder, "fresh", "node_modules"), { recursive: true });
    const own = { name: "own", type: "commonjs", dependencies: { errata: "file:errata.tgz" } };
    writeFileSync(path, JSON.stringify(own));
    const made = await errata(place, ["init", "fresh"]);
    expect(made.status).toBe(0);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
      name: "own",
      private: true,
      type: "module",
      scripts: { train: "errata train" },
      dependencies: { errata: "file:errata.tgz" },
    });
    expect(existsSync(join(place.folder, "fresh", "errata.config.ts"))).toBe(true);
  });

  test("touch nothing where package.json is damaged", async () => {
    mkdirSync(join(place.folder, "damaged"));
    writeFileSync(join(place.folder, "damaged", "package.json"), "{");
    const refused = await errata(place, ["init", "damaged"]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("INIT_EXISTS");
    expect(readdirSync(join(place.folder, "damaged"))).toEqual(["package.json"]);
  });

  test("check the template's environment, which the preset's student can play", async () => {
    write("environment", "environment.ts");
    const file = join(folder, "environment-environment.ts");
    const checked = await errata(place, ["env", "check", file, "--tasks", "30", "--json"]);
    expect(checked.status).toBe(0);
    const found = JSON.parse(checked.stdout) as Record<string, unknown>;
    expect(found).toMatchObject({ env: "carrying-sums" });
    expect(found).not.toHaveProperty("failures");
    const play = ["--preset", "arithmetic", "--set", `environment=${file}`];
    const planned = await errata(place, ["train", "--dry-run", "--no-measure", "--json", ...play]);
    expect(planned.status).toBe(0);
  });

  test("list runs, and delete none without a yes", async () => {
    expect((await errata(place, ["runs"])).stdout).toContain("there are no runs");
    const missing = await errata(place, ["runs", "rm", "nothing", "--yes"]);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain("RUN_MISSING");
  });

  test("complete in bash", async () => {
    const { stdout } = await errata(place, ["completion", "bash"]);
    expect(stdout).toContain('"corpus") words="');
    execFileSync("bash", ["-n"], { input: stdout });
    const words = execFileSync("bash", [
      "-c",
      `${stdout}
COMP_WORDS=(errata exp); COMP_CWORD=1; _errata; echo "\${COMPREPLY[@]}"
COMP_WORDS=(errata export --pu); COMP_CWORD=2; _errata; echo "\${COMPREPLY[@]}"`,
    ]).toString();
    expect(words).toBe("export\n--push --public\n");
  });
});
