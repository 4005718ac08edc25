/** Steering: the distribution that is sampled from when a policy is led away from a second one, a product of both. */

export interface Steering {
  /**
   * Two points of one family, log mu = (1 - kappa) log pi + alpha (log pi - max(log q, floor)):
   *
   *     contrastive   kappa = 0       what q knows, alone: contrastive decoding (arXiv:2309.09117)
   *     repulsive     kappa = alpha   log mu = log pi - alpha max(log q, floor)
   */
  readonly form: "repulsive" | "contrastive";
  /** Strength, at least 0; with kappa 0 too, mu is pi, and there is no mask. */
  readonly alpha: number;
  /** How much mu is flattened, at least 0, instead of the form's: at 1 with alpha 0, an even draw in the mask. */
  readonly kappa?: number;
  /** Plausibility mask: only tokens with pi >= mask * max(pi) can be sampled. In [0, 1]. */
  readonly mask: number;
  /** Lowest log q that counts, so that tokens unknown to the expert are not boosted without bound. */
  readonly floor: number;
  /**
   * Tokens that keep exactly their probability under pi (a stop token), unless no other plausible token
   * is left, when they share all of it: otherwise avoiding the
   * expert's mistakes could mean never stopping.
   */
  readonly exempt: readonly number[];
}

/**
 * Writes log mu [V] into `out` for one row of log pi and log q [V], normalised.
 *
 * The mask is not applied when alpha and kappa are 0, so that mu equals pi exactly. Exempt tokens keep their
 * probability; the rest of the mass is shared by the chosen form over the tokens in the mask.
 */
export function steeredLogprobs(
  logPi: ArrayLike<number>,
  logQ: ArrayLike<number>,
  { form, alpha, kappa = form === "repulsive" ? alpha : 0, mask, floor, exempt }: Steering,
  out: Float64Array,
): void {
  const V = out.length;
  if (alpha === 0 && kappa === 0) {
    for (let v = 0; v < V; v++) out[v] = logPi[v]!;
    return;
  }
  let top = -Infinity;
  for (let v = 0; v < V; v++) top = Math.max(top, logPi[v]!);
  const cut = top + Math.log(mask);
  const power = 1 + (alpha - kappa);
  for (let v = 0; v < V; v++) {
    const l = logPi[v]!;
    out[v] = l >= cut ? power * l - alpha * Math.max(logQ[v]!, floor) : -Infinity;
  }
  const spared = exempt.length > 1 ? [...new Set(exempt)].sort((a, b) => a - b) : exempt;
  let exemptMass = 0;
  for (const v of spared) {
    exemptMass += Math.exp(logPi[v]!);
    out[v] = -Infinity;
  }
  let largest = -Infinity;
  for (let v = 0; v < V; v++) if (out[v]! > largest) largest = out[v]!;
  // With every plausible token exempt there is nothing to steer: the exempt tokens share all mass.
  const steered = largest > -Infinity;
  if (steered) {
    let total = 0;
    for (let v = 0; v < V; v++) if (out[v]! > -Infinity) total += Math.exp(out[v]! - largest);
    const shift = Math.log(Math.max(0, 1 - exemptMass)) - largest - Math.log(total);
    for (let v = 0; v < V; v++) out[v]! += shift;
  }
  for (const v of spared) out[v] = steered ? logPi[v]! : logPi[v]! - Math.log(exemptMass);
}
