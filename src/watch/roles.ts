/** On whose behalf work is done, and what it is counted in. */
export const costRoles = [
  "student",
  "weak",
  "expert",
  "probe",
  "teacher",
  "embedding",
  "judge",
  "user",
  "evaluation",
] as const;
export type CostRole = (typeof costRoles)[number];

export interface Cost {
  /** Floating-point operations: 2 per weight and token generated or scored, 6 trained. */
  readonly flops: number;
  /** Episodes played; of a simulated user, answers given. */
  readonly rollouts: number;
  /** Tokens generated, scored or trained on; of remote models, those paid for. */
  readonly tokens: number;
}
