/** The reference of the public API, `src/index.ts`: a page for each export, in site/.pages/api. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Application } from "typedoc";
import { root, staged } from "./pages.js";

const kinds = {
  functions: "Functions",
  classes: "Classes",
  interfaces: "Interfaces",
  "type-aliases": "Types",
  variables: "Values",
};

export async function writeApi() {
  const out = join(staged, "api");
  const app = await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: [join(root, "src/index.ts")],
    entryFileName: "index",
    tsconfig: join(root, "site/tsconfig.json"),
    name: "API",
    readme: "none",
    skipErrorChecking: true,
    excludeInternal: true,
    excludePrivate: true,
    disableSources: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    indexFormat: "table",
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    typeDeclarationFormat: "table",
    logLevel: "Error",
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("typedoc could not read src/index.ts");
  app.options.setValue("out", out);
  await app.outputs.writeOutput({ name: "markdown", path: out }, project);
  writeFileSync(join(out, "sidebar.json"), JSON.stringify(sidebar(out)));
}

const sidebar = (out) =>
  Object.entries(kinds)
    .filter(([kind]) => existsSync(join(out, kind)))
    .map(([kind, text]) => ({
      text,
      collapsed: true,
      items: readdirSync(join(out, kind))
        .map((file) => file.slice(0, -3))
        .map((name) => ({ text: name, link: `/api/${kind}/${name}` })),
    }));
