/** Where downloads and models that this machine trained are kept. */
import { join } from "node:path";

/** `ERRATA_CACHE`, else `cache` in the working directory. */
export function cacheFolder(): string {
  return process.env["ERRATA_CACHE"] ?? join(process.cwd(), "cache");
}
