#!/usr/bin/env node
/**
 * Runs before `npm pack` and `npm publish`: builds dist/, and makes ONNX Runtime ready to travel
 * inside the package.
 *
 * On Linux x64 the install script of onnxruntime-node downloads CUDA libraries from nuget.org,
 * with or without a GPU, and fails the install where it cannot. Errata uses none of them, and no setting of
 * ours reaches a project that installs us. So the package brings onnxruntime-node along, as npm
 * delivered it, less that script, what only the script needs, and one library that is there twice.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildIfStale, root } from "./build.js";

buildIfStale();

const path = join(root, "node_modules", "onnxruntime-node", "package.json");
const manifest = JSON.parse(readFileSync(path, "utf8"));
const { version } = manifest;
delete manifest.scripts;
delete manifest.devDependencies;
manifest.dependencies = { "onnxruntime-common": version };
manifest.files = ["dist", "lib", "bin", `!bin/*/darwin/*/libonnxruntime.${version}.dylib`];
// A new file in its place: the old one may be a hard link that others read.
writeFileSync(`${path}.partial`, `${JSON.stringify(manifest, null, 2)}\n`);
renameSync(`${path}.partial`, path);
