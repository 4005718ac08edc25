#!/usr/bin/env bash
# @huggingface/jinja renders chat templates otherwise than Jinja2: strip ignores its characters, text before a
# `break` is lost, the remainder of a negative is JavaScript's, a variable set in one round of a loop lives on in
# the next, and 1 equals "1". Exits with 1 where that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/jinja@0.5.11
cat > try.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";
console.log("@huggingface/jinja", JSON.parse(readFileSync("node_modules/@huggingface/jinja/package.json", "utf8")).version);
// template, what Jinja2 3.1.6 gives, what was seen
const cases = [
  ['{{ "\\n  a \\n".strip("\\n") }}', "  a ", "a"],
  ["{% for n in [1, 2] %}a{{ n }}{% break %}{% endfor %}", "a1", ""],
  ["{{ -7 % 3 }}", "2", "-1"],
  ["{% for n in [1, 2] %}{{ x is defined }}{% set x = n %}{% endfor %}", "FalseFalse", "falsetrue"],
  ['{{ 1 == "1" }}', "False", "true"],
  ["{{ none }}", "None", ""],
];
let changed = 0;
for (const [source, jinja2, seen] of cases) {
  const text = new Template(source).render({});
  console.log(JSON.stringify({ source, text, jinja2 }));
  if (text !== seen) changed++;
}
process.exit(changed === 0 ? 0 : 1);
JS
node try.mjs
