/** What several reviewers who disagree say together. */
import { sumOf } from "../../util/statistics/sums.js";

/** One reviewer's word on one item. */
export interface Annotation<L extends string> {
  readonly item: number;
  readonly by: string;
  readonly label: L;
}

/** Reviewers' reliability and what it makes of every item. */
export interface Consensus<L extends string> {
  /** By item: probability of each label. */
  readonly items: ReadonlyMap<number, Readonly<Record<L, number>>>;
  /** By reviewer: probability of agreeing with the truth, averaged over the labels' shares. */
  readonly reliability: ReadonlyMap<string, number>;
}

const rounds = 50;

/** Pseudo-counts of a reviewer's confusion matrix: few annotations prove little about anyone. */
const prior = { same: 4, other: 1 } as const;

/**
 * Labels of items and reliability of reviewers, estimated from each other by expectation
 * maximisation (Dawid & Skene 1979), with a Dirichlet prior on each row of a reviewer's confusion
 * matrix (4 on the diagonal, 1 off it) and 1 on each label's share. Starts from the vote shares.
 */
export function dawidSkene<L extends string>(
  annotations: readonly Annotation<L>[],
  labels: readonly L[],
): Consensus<L> {
  const items = [...new Set(annotations.map((a) => a.item))];
  const people = [...new Set(annotations.map((a) => a.by))];
  const index = new Map(labels.map((label, i) => [label, i]));
  const byItem = new Map(items.map((item) => [item, annotations.filter((a) => a.item === item)]));
  const K = labels.length;
  let truth = new Map(
    items.map((item) => {
      const votes = new Array<number>(K).fill(0);
      for (const { label } of byItem.get(item)!) votes[index.get(label)!]! += 1;
      return [item, normalised(votes)];
    }),
  );
  let confusion = new Map<string, number[][]>();
  let shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    shares = new Array<number>(K).fill(1);
    confusion = new Map(
      people.map((by) => [
        by,
        labels.map((_, k) => labels.map((__, l) => (k === l ? prior.same : prior.other))),
      ]),
    );
    for (const [item, probabilities] of truth) {
      for (let k = 0; k < K; k++) shares[k]! += probabilities[k]!;
      for (const { by, label } of byItem.get(item)!)
        for (let k = 0; k < K; k++) confusion.get(by)![k]![index.get(label)!]! += probabilities[k]!;
    }
    shares = normalised(shares);
    confusion = new Map([...confusion].map(([by, rows]) => [by, rows.map(normalised)]));
    truth = new Map(
      items.map((item) => {
        const likelihood = shares.map((share, k) =>
          byItem
            .get(item)!
            .reduce((p, { by, label }) => p * confusion.get(by)![k]![index.get(label)!]!, share),
        );
        return [item, normalised(likelihood)];
      }),
    );
  }
  return {
    items: new Map(
      [...truth].map(([item, p]) => [
        item,
        Object.fromEntries(labels.map((label, k) => [label, p[k]!])) as Record<L, number>,
      ]),
    ),
    reliability: new Map(
      [...confusion].map(([by, rows]) => [
        by,
        rows.reduce((total, row, k) => total + shares[k]! * row[k]!, 0),
      ]),
    ),
  };
}

function normalised(values: readonly number[]): number[] {
  const total = sumOf(values);
  return values.map((value) => (total > 0 ? value / total : 1 / values.length));
}
