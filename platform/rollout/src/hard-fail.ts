/**
 * The hard fail: what decides when there are too few people for statistics. A fully broken
 * candidate at 5 % with ten people is caught by the e-process in 1 of 100 rollouts; bad answers in
 * a row catch it wherever somebody meets it at all.
 *
 *   1. A route that stable serves well (>= 99 % good) gave 5 bad first attempts in a row.
 *   2. The candidate gave nothing but bad answers, 5 or more over all its routes, and stable is
 *      >= 99 % good over all its routes or has had no request. This catches a broken candidate
 *      whose few requests are spread over many routes, or which gets all of them.
 *   3. A route of which stable has had no request has no measure of its own. It fails only if it
 *      never once worked, over twice as many tries, while stable is >= 99 % good elsewhere: a route
 *      that is new and broken should not reach more people, but one person's senseless requests to
 *      a route that nobody else uses should not withdraw a release as easily as a real regression.
 *
 * Both lanes suffering alike is not the candidate's fault, and totals since the rollout's begin
 * react slowly. So nothing of this applies while the common-mode guard is raised.
 */
import type { RouteEvidence } from "./evidence.ts";
import { count, percent } from "./sentences.ts";

export const HARD_FAIL_RUN = 5;
const STABLE_GOOD_MIN = 0.99;
/** Tries of a route that stable never served, all bad, before it counts. */
const UNKNOWN_ROUTE_RUN = 2 * HARD_FAIL_RUN;

/** Why the candidate fails at once, as a sentence, or null. */
export function hardFail(routes: readonly RouteEvidence[]): string | null {
  const whole = totals(routes);
  const worstFirst = [...routes].sort((a, b) => b.candidate.runMax - a.candidate.runMax);
  for (const route of worstFirst) {
    const reason = routeFails(route, whole);
    if (reason !== null) return reason;
  }
  return everythingFails(whole);
}

function routeFails(route: RouteEvidence, whole: Totals): string | null {
  const { candidate, stable } = route;
  if (stable.total > 0) {
    const good = goodShare(stable);
    if (candidate.runMax < HARD_FAIL_RUN || good < STABLE_GOOD_MIN) return null;
    return `${run(candidate)} on ${route.route}, where stable is ${percent(good)} good.`;
  }
  const isNeverGood = candidate.total >= UNKNOWN_ROUTE_RUN && candidate.bad === candidate.total;
  if (!isNeverGood || whole.stable.total === 0) return null;
  const good = goodShare(whole.stable);
  if (good < STABLE_GOOD_MIN) return null;
  return (
    `${run(candidate)} on ${route.route}, which stable was not asked for; ` +
    `elsewhere stable is ${percent(good)} good.`
  );
}

function everythingFails(whole: Totals): string | null {
  const { candidate, stable } = whole;
  if (candidate.total < HARD_FAIL_RUN || candidate.bad < candidate.total) return null;
  const answers = `None of the candidate's ${count(candidate.total)} answers was good`;
  if (stable.total === 0) return `${answers}, and stable has had no request to compare with.`;
  const good = goodShare(stable);
  return good < STABLE_GOOD_MIN ? null : `${answers}, where stable is ${percent(good)} good.`;
}

function run(candidate: RouteEvidence["candidate"]): string {
  return candidate.runMax === candidate.total
    ? `${count(candidate.runMax)} of ${count(candidate.total)} bad answers in a row`
    : `${count(candidate.runMax)} bad answers in a row (of ${count(candidate.total)})`;
}

interface Totals {
  readonly stable: { readonly total: number; readonly bad: number };
  readonly candidate: { readonly total: number; readonly bad: number };
}

function totals(routes: readonly RouteEvidence[]): Totals {
  const sum = (lane: "stable" | "candidate", what: "total" | "bad"): number =>
    routes.reduce((all, route) => all + route[lane][what], 0);
  return {
    stable: { total: sum("stable", "total"), bad: sum("stable", "bad") },
    candidate: { total: sum("candidate", "total"), bad: sum("candidate", "bad") },
  };
}

function goodShare(lane: { readonly total: number; readonly bad: number }): number {
  return 1 - lane.bad / lane.total;
}
