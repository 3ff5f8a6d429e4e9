/**
 * The common-mode guard. A candidate that locks a table or exhausts a shared resource hurts both
 * lanes alike, which the comparison of lanes forgives by design. So the whole service is watched:
 * a rate of bad people above max(5 times the rate before the rollout, 1 %) stops the clock at
 * once, for more than 10 s withdraws the candidate, and gone for 10 s lets the step go on.
 *
 * A pause costs nothing, so any excess will do. A withdrawal does, so it also needs an excess that
 * is no accident of few people, three standard deviations of a Poisson count: among 65 people a
 * limit of 3 % is passed by 2 bad ones, and without this 40 % of simulated rollouts of identical
 * code at 10 requests a second were withdrawn. Below it the rollout stays paused and an operator
 * decides.
 *
 * Samples look back 10 s, so a gap of up to that between two looks is covered by the later sample;
 * a longer one (control was away) counts as no time at all, in either direction.
 */
import type { PeopleSample } from "./evidence.ts";
import { count, percent, seconds } from "./sentences.ts";

export interface CommonModeState {
  /** The service's rate of bad people before the rollout, 0 to 1; null when it had no traffic. */
  readonly rateBefore: number | null;
  readonly lookedAtMs: number | null;
  readonly raised: null | {
    readonly atMs: number;
    /** Time watched above the limit without a break. */
    readonly watchedMs: number;
    /** Time below the limit without a break; null while above. */
    readonly calmMs: number | null;
  };
}

export interface CommonModeFinding {
  readonly state: CommonModeState;
  readonly action: "none" | "pause" | "abort" | "resume";
  /** A sentence, when there is an action. */
  readonly reason: string;
}

const RATE_FACTOR = 5;
const RATE_FLOOR = 0.01;
const PEOPLE_MIN = 20;
const ABORT_AFTER_MS = 10_000;
const RESUME_AFTER_MS = 10_000;
const ABORT_DEVIATIONS = 3;
/** A longer time without a look is time that nobody watched. */
export const OBSERVATION_GAP_MS_MAX = 10_000;

/** The guard of a rollout that begins; `rateBefore` is measured like the samples. */
export function calm(rateBefore: number | null): CommonModeState {
  return { rateBefore, lookedAtMs: null, raised: null };
}

/** Time since the last look that somebody watched, in milliseconds; 0 when the gap is too long. */
export function watchedGapMs(lookedAtMs: number | null, nowMs: number): number {
  if (lookedAtMs === null || nowMs <= lookedAtMs) return 0;
  const gapMs = nowMs - lookedAtMs;
  return gapMs > OBSERVATION_GAP_MS_MAX ? 0 : gapMs;
}

/** Takes one sample of the whole service and says what to do. */
export function commonMode(
  state: CommonModeState,
  sample: PeopleSample,
  nowMs: number,
): CommonModeFinding {
  const limit = Math.max(RATE_FACTOR * (state.rateBefore ?? 0), RATE_FLOOR);
  const isAbove = sample.seen >= PEOPLE_MIN && sample.bad / sample.seen > limit;
  const looked = { ...state, lookedAtMs: nowMs };
  const rates =
    `${count(sample.bad)} of ${count(sample.seen)} people had a bad answer within 10 s, ` +
    `on both revisions together; the limit is ${percent(limit)}`;

  if (state.raised === null) {
    if (!isAbove) return { state: looked, action: "none", reason: "" };
    const raised = { atMs: nowMs, watchedMs: 0, calmMs: null };
    return { state: { ...looked, raised }, action: "pause", reason: `${rates}.` };
  }
  const gapMs = watchedGapMs(state.lookedAtMs, nowMs);
  const watchedMs = isAbove && state.raised.calmMs === null ? state.raised.watchedMs + gapMs : 0;
  if (watchedMs >= ABORT_AFTER_MS && isFarAbove(sample, limit)) {
    const reason = `${rates}, and it has stayed so for ${seconds(watchedMs)}.`;
    return { state: { ...looked, raised: null }, action: "abort", reason };
  }
  const calmMs = isAbove ? null : nextCalmMs(state.raised.calmMs, gapMs);
  if (calmMs !== null && calmMs >= RESUME_AFTER_MS) {
    const reason = "Bad answers on both revisions together have been below the limit for 10 s.";
    return { state: { ...looked, raised: null }, action: "resume", reason };
  }
  const raised = { atMs: state.raised.atMs, watchedMs, calmMs };
  return { state: { ...looked, raised }, action: "none", reason: "" };
}

/** Whether chance alone would hardly put so many bad people over the limit in one sample. */
function isFarAbove(sample: PeopleSample, limit: number): boolean {
  const expected = limit * sample.seen;
  return sample.bad > expected + ABORT_DEVIATIONS * Math.sqrt(expected);
}

/** Calm begins at the first sample below the limit; the gap before it belongs to the trouble. */
function nextCalmMs(calmMs: number | null, gapMs: number): number {
  return calmMs === null ? 0 : calmMs + gapMs;
}
