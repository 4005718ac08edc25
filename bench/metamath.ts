/**
 * Reads a Metamath database and checks every proof in it.
 *
 *     npx tsx bench/metamath.ts [/usr/share/metamath/databases/set.mm]
 */
import { readDatabaseFile } from "../src/environments/metamath/read.js";
import { verifyProof } from "../src/environments/metamath/verify.js";

const path = process.argv[2] ?? "/usr/share/metamath/databases/set.mm";
const started = performance.now();
const database = readDatabaseFile(path);
const read = performance.now();
const faults = database.theorems.flatMap((theorem) => verifyProof(database, theorem) ?? []);
const verified = performance.now();

for (const { theorem, step, label, message } of faults.slice(0, 10))
  console.log(`${theorem}, step ${step} (${label}): ${message}`);
console.log(
  JSON.stringify({
    path,
    proofs: database.theorems.length,
    wrong: faults.length,
    readSeconds: Number(((read - started) / 1000).toFixed(2)),
    verifySeconds: Number(((verified - read) / 1000).toFixed(2)),
  }),
);
process.exitCode = faults.length === 0 ? 0 : 1;
