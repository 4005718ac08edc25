/** What the controller of asymmetric self-play remembers; plain JSON. */
export interface SelfPlayState {
  /** How degraded the partner is, in [0, 1]. */
  readonly degree: number;
  /** Exponential average of P(student solves, partner fails | exactly one solves). */
  readonly winRate: number;
  /** Exponential averages of the partner's accuracy and of how systematic its mistakes are. */
  readonly partnerAccuracy: number;
  readonly systematic: number;
  /** Index of the degradation in use. */
  readonly operator: number;
  /** Rounds played with it. */
  readonly rounds: number;
}

/** Before the first round. */
export const freshSelfPlay: SelfPlayState = {
  degree: 0.5,
  winRate: 0.75,
  partnerAccuracy: 0.5,
  systematic: 0.5,
  operator: 0,
  rounds: 0,
};
