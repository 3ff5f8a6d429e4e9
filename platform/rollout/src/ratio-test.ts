/**
 * An e-process on bad events: is the candidate's bad rate r times stable's?
 *
 * Look only at people's first bad answers. If the candidate is r times as bad, such an answer came
 * from the candidate with the chance
 *
 *     theta_r(w) = w r / (1 - w + w r)        w: the weight when the request was routed
 *
 * whatever the base rate does meanwhile, so a database that is down blames neither lane. Each
 * event multiplies the evidence for an alternative ratio r by theta_r / theta_0 (or by the quotient
 * of the complements). Under the null hypothesis each factor has an expectation of at most 1, so
 * the evidence is a supermartingale and exceeds 1 / alpha with a chance of at most alpha, however
 * often one looks (Ville). A uniform mixture over a grid of alternatives keeps that property and
 * spares us from knowing r. Rejected: a threshold on a ratio per interval (no memory, undefined
 * without traffic) and any test for a fixed sample size (looking repeatedly inflates its error).
 *
 * Everything is kept as natural logarithms; a million events would overflow a product.
 */
import { invariant } from "@tideway/kernel";

const GRID = [1.5, 2, 3, 5, 10, 20, 50] as const;

export interface RatioTest {
  /** The ratio at the edge of the null hypothesis. */
  readonly ratioNull: number;
  readonly alternatives: readonly number[];
}

/** Tests "r <= ratioTolerated" against grid points above it; rejecting it says: worse. */
export function worseTest(ratioTolerated: number): RatioTest {
  const alternatives = GRID.filter((ratio) => ratio > ratioTolerated);
  invariant(ratioTolerated > 0, `A tolerated ratio is above 0, not ${ratioTolerated}.`);
  invariant(alternatives.length > 0, `No alternative lies above the ratio ${ratioTolerated}.`);
  return { ratioNull: ratioTolerated, alternatives };
}

/** Tests "r >= ratioTooBad" against the grid mirrored below it; rejecting it says: not so bad. */
export function notTooBadTest(ratioTooBad: number): RatioTest {
  invariant(ratioTooBad > 0, `A ratio is above 0, not ${ratioTooBad}.`);
  return { ratioNull: ratioTooBad, alternatives: GRID.map((ratio) => ratioTooBad / ratio) };
}

/**
 * Adds one bad event to `logs`, the log evidence of each alternative, in place. `weight` is in
 * percent; at 0 and 100 the lane was certain, so the event says nothing and changes nothing.
 */
export function addBadEvent(
  test: RatioTest,
  logs: number[],
  lane: "stable" | "candidate",
  weight: number,
): void {
  if (!(weight > 0 && weight < 100)) return;
  const w = weight / 100;
  const logNull = Math.log(1 - w + w * test.ratioNull);
  for (const [i, ratio] of test.alternatives.entries()) {
    const logStable = logNull - Math.log(1 - w + w * ratio);
    const logLane = lane === "candidate" ? Math.log(ratio / test.ratioNull) + logStable : logStable;
    logs[i] = (logs[i] ?? 0) + logLane;
  }
}

/** The natural logarithm of the mixture's evidence; 0 (evidence 1) before the first event. */
export function logEvidence(logs: readonly number[]): number {
  if (logs.length === 0) return 0;
  let highest = -Infinity;
  for (const log of logs) highest = Math.max(highest, log);
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - highest);
  return highest + Math.log(sum / logs.length);
}
