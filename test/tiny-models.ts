/** Set up once for all test files: a folder in which they share the tiny models that `tiny.ts` trains. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    tinyModels: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "errata-tiny-"));
  project.provide("tinyModels", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
