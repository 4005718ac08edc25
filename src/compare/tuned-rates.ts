/**
 * Learning rates chosen by full studies, for `--quick`: by domain and arm. Other arms take the
 * preset's rate. Each line is a study's `rates.json`.
 */
export const tunedRates: Readonly<Record<string, Readonly<Record<string, number>>>> = {};
