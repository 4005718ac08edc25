/** What one round of a case took, in milliseconds. */
export interface Round {
  readonly processor: number;
  readonly wall: number;
}
