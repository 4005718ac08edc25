/** How fast Metamath proofs are checked: all of set.mm, or the database that ERRATA_METAMATH names. */
import { readDatabaseFile } from "../src/environments/metamath/read.js";
import { verifyProof } from "../src/environments/metamath/verify.js";

/** What was measured on one database. */
export interface MetamathBenchmark {
  readonly database: string;
  readonly proofs: number;
  /** Proofs that were refused: 0 for a sound database. */
  readonly wrong: number;
  readonly readSeconds: number;
  readonly verifySeconds: number;
  readonly verdictsPerSecond: number;
}

/** Reads the database and checks every proof in it. */
export function run(): MetamathBenchmark {
  const database = process.env["ERRATA_METAMATH"] ?? "/usr/share/metamath/databases/set.mm";
  const started = performance.now();
  const read = readDatabaseFile(database);
  const middle = performance.now();
  const wrong = read.theorems.filter((theorem) => verifyProof(read, theorem) !== undefined).length;
  const seconds = (performance.now() - middle) / 1000;
  return {
    database,
    proofs: read.theorems.length,
    wrong,
    readSeconds: round((middle - started) / 1000),
    verifySeconds: round(seconds),
    verdictsPerSecond: Math.round(read.theorems.length / seconds),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
