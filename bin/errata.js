#!/usr/bin/env node
/** The `errata` command: src/cli, compiled. */
import { buildIfStale } from "./build.js";

try {
  buildIfStale();
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
}
// A reader that has had enough, such as `head`, is no fault.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const { main } = await import("../dist/cli/main.js");
await main(process.argv.slice(2));
