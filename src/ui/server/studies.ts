/** Reports of studies: folders that hold their numbers or their page. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where studies and reports are kept. */
const places = ["reports", "studies"];
/** What a report's page is called. */
const pages = ["report.html", "index.html"];

/** A report in a list. */
export interface StudyFolder {
  readonly name: string;
  /** Whether it has an HTML page. */
  readonly page: boolean;
  readonly title: string;
}

/** The reports below `root`, by name. */
export function listStudies(root: string): StudyFolder[] {
  return places
    .flatMap((place) => {
      const folder = join(root, place);
      if (!existsSync(folder)) return [];
      return readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => ({ name: `${place}/${entry.name}`, folder: join(folder, entry.name) }));
    })
    .filter(({ folder }) => pageOf(folder) !== undefined || existsSync(join(folder, "result.json")))
    .map(({ name, folder }) => ({
      name,
      page: pageOf(folder) !== undefined,
      title: name.slice(name.indexOf("/") + 1),
    }));
}

/** The page of a report in the list; undefined where the list has none of this name. */
export function studyPage(root: string, name: string): string | undefined {
  if (!listStudies(root).some((study) => study.name === name)) return undefined;
  const path = pageOf(join(root, name));
  return path === undefined ? undefined : readFileSync(path, "utf8");
}

function pageOf(folder: string): string | undefined {
  return pages.map((page) => join(folder, page)).find((path) => existsSync(path));
}
