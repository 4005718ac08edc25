/** Agreement of two people beyond chance. */

/**
 * Cohen's kappa of two raters' labels on the same items (Cohen 1960), in [-1, 1]; undefined where both
 * always gave one and the same label, or there are no items: chance alone would agree as well.
 *
 *     kappa = (p_o - p_e) / (1 - p_e)
 *
 * with p_o the share of items on which they agree and p_e = sum over labels of the product of their shares.
 */
export function cohensKappa(pairs: readonly (readonly [string, string])[]): number | undefined {
  const n = pairs.length;
  if (n === 0) return undefined;
  const observed = pairs.filter(([a, b]) => a === b).length / n;
  const labels = new Set(pairs.flat());
  const share = (rater: 0 | 1, label: string): number =>
    pairs.filter((pair) => pair[rater] === label).length / n;
  const expected = [...labels].reduce((sum, label) => sum + share(0, label) * share(1, label), 0);
  return expected === 1 ? undefined : (observed - expected) / (1 - expected);
}
