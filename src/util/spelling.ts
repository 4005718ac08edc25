/**
 * The closest of `known` to `text` by edit distance, if close enough to be a slip: at most one edit in fewer
 * than five characters, else as many as a third of them.
 */
export function nearest(text: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = (text.length < 5 ? 1 : Math.ceil(text.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(text, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(
        Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
  }
  return row[b.length]!;
}
