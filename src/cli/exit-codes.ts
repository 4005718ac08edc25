/** What `errata` exits with. */
export const exitCodes = {
  ok: 0,
  /** The run, the check or the gate failed. */
  failed: 1,
  /** A flag, a name or the configuration is wrong. */
  usage: 2,
  /** Interrupted; a run that had begun is saved. */
  interrupted: 130,
} as const;
