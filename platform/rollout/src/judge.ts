/**
 * The judge: a pure function from evidence to a verdict with its reason.
 *
 * Evidence is counted over the whole rollout, not per step: both e-processes stay valid however
 * often they are looked at and whatever the weights were, so the error limits hold for the rollout
 * as a whole. A later step therefore passes sooner, once its shortest time is over and the
 * candidate has answered somebody in it.
 *
 * `fail` is decided at the first crossing in the order of events and does not heal. `pass` needs
 * the present values, since a person who was served well may still get a bad answer. A rollout
 * whose evidence for "worse" is at this moment above the limit of a pass does not pass either.
 */
import { absoluteLogEvidence, absoluteTest, peopleNeeded } from "./absolute-test.ts";
import type { AbsoluteTest } from "./absolute-test.ts";
import type { RouteEvidence } from "./evidence.ts";
import { hardFail } from "./hard-fail.ts";
import type { JudgePolicy } from "./policy.ts";
import { amount, count, people, percent, plain, seconds } from "./sentences.ts";
import type { TallyView } from "./tally.ts";

export interface Evidence {
  readonly tally: TallyView;
  readonly routes: readonly RouteEvidence[];
  readonly step: StepClock;
  /** The common-mode guard is raised: both lanes may be suffering from something else. */
  readonly disturbed: boolean;
}

/** The time of a step. Paused time and time in which nobody looked does not count. */
export interface StepClock {
  readonly weight: number;
  readonly startedAtMs: number;
  readonly uncountedMs: number;
  /** First attempts that the candidate had answered when the step began; null: not known yet. */
  readonly requestsBefore: number | null;
}

/** Which rule spoke; stable names for code and tests, where `reason` is for people. */
export type Rule =
  | "worse"
  | "in-a-row"
  | "good-enough"
  | "not-too-bad"
  | "too-early"
  | "silent"
  | "suspicious"
  | "undecided"
  | "overdue";

export interface Verdict {
  readonly verdict: "pass" | "fail" | "inconclusive";
  readonly rule: Rule;
  /** A sentence with the reason and the numbers. */
  readonly reason: string;
  readonly evidence: {
    readonly peopleStable: number;
    readonly peopleCandidate: number;
    readonly badStable: number;
    readonly badCandidate: number;
    readonly worse: number;
    readonly worseLimit: number;
    readonly good: number;
    readonly goodLimit: number;
  };
  /** The candidate's real share of people in percent, or null before the first. */
  readonly actualShare: number | null;
}

/** Evidence is shown up to here; JSON has no Infinity, and no reader needs more. */
const EVIDENCE_SHOWN_MAX = 1e12;
/** Below this many people met for the first time at a weight, the share of all people is shown. */
const SHARE_PEOPLE_MIN = 20;

/**
 * Judges a step. `nowMs` is milliseconds since 1970; the same arguments give the same verdict.
 *
 * @example judge({ tally, routes, step, disturbed: false }, judgePolicy(manifest.rollout), nowMs)
 */
export function judge(evidence: Evidence, policy: JudgePolicy, nowMs: number): Verdict {
  const findings = weigh(evidence, policy);
  const { verdict, rule, reason } =
    findFailure(evidence, findings, policy) ?? findPass(evidence, findings, policy, nowMs);
  const { tally } = evidence;
  return {
    verdict,
    rule,
    reason,
    evidence: {
      peopleStable: tally.peopleStable,
      peopleCandidate: tally.peopleCandidate,
      badStable: tally.badStable,
      badCandidate: tally.badCandidate,
      worse: shown(findings.worseLog),
      worseLimit: 1 / policy.alphaFail,
      good: shown(Math.max(findings.goodLog, findings.notTooBadLog)),
      goodLimit: 1 / policy.alphaPass,
    },
    actualShare: actualShare(tally, evidence.step.weight),
  };
}

/** Counted milliseconds of a step up to `nowMs`. */
export function dwellMs(step: StepClock, nowMs: number): number {
  return Math.max(0, nowMs - step.startedAtMs - step.uncountedMs);
}

/** First attempts that the candidate has answered, over all routes. */
export function candidateRequests(routes: readonly RouteEvidence[]): number {
  return routes.reduce((sum, route) => sum + route.candidate.total, 0);
}

interface Findings {
  readonly worseLog: number;
  readonly hasCrossed: boolean;
  readonly goodLog: number;
  readonly notTooBadLog: number;
  readonly absolute: AbsoluteTest;
  /** Bad people of the candidate, and the worst that lost records may have been. */
  readonly badAssumed: number;
}

type Finding = Pick<Verdict, "verdict" | "rule" | "reason">;

function weigh(evidence: Evidence, policy: JudgePolicy): Findings {
  const { tally } = evidence;
  const hasCrossed = reaches(tally.worseLogMax, 1 / policy.alphaFail);
  const absolute = absoluteTest(policy.badRateMax, policy.alphaPass);
  // A lost record may have been a bad answer of the candidate, so a pass must stand even then. How
  // it would have changed the comparison of the lanes is unknown, so that test does not pass.
  const badAssumed = tally.badCandidate + tally.lost;
  return {
    worseLog: hasCrossed ? tally.worseLogMax : tally.worseLog,
    hasCrossed,
    goodLog: absoluteLogEvidence(absolute, tally.clean, badAssumed),
    notTooBadLog: tally.lost > 0 ? -Infinity : tally.notTooBadLog,
    absolute,
    badAssumed,
  };
}

function findFailure(evidence: Evidence, found: Findings, policy: JudgePolicy): Finding | null {
  const { tally } = evidence;
  if (found.hasCrossed) {
    const reason =
      `${count(tally.badCandidate)} of ${people(tally.peopleCandidate)} had a bad answer, ` +
      `on stable ${count(tally.badStable)} of ${count(tally.peopleStable)} ` +
      `(evidence for worse ${outOf(found.worseLog, 1 / policy.alphaFail)}).`;
    return { verdict: "fail", rule: "worse", reason };
  }
  const reason = evidence.disturbed ? null : hardFail(evidence.routes);
  return reason === null ? null : { verdict: "fail", rule: "in-a-row", reason };
}

function findPass(
  evidence: Evidence,
  found: Findings,
  policy: JudgePolicy,
  nowMs: number,
): Finding {
  const dwell = dwellMs(evidence.step, nowMs);
  const leftMs = policy.stepSecondsMin * 1000 - dwell;
  const worse = outOf(found.worseLog, 1 / policy.alphaFail);
  if (leftMs > 0) {
    const { tally } = evidence;
    const reason =
      `${people(tally.peopleCandidate)}, ${count(tally.badCandidate)} bad: the step stands for ` +
      `${seconds(leftMs)} more (evidence for worse ${worse}).`;
    return { verdict: "inconclusive", rule: "too-early", reason };
  }
  const finding = passOrDoubt(evidence, found, policy);
  if (finding.verdict === "pass" || dwell < policy.stepSecondsMax * 1000) return finding;
  const reason = `No verdict within ${count(policy.stepSecondsMax)} s. ${finding.reason}`;
  return { verdict: "inconclusive", rule: "overdue", reason };
}

function passOrDoubt(evidence: Evidence, found: Findings, policy: JudgePolicy): Finding {
  const doubt = (rule: Rule, reason: string): Finding => {
    return { verdict: "inconclusive", rule, reason };
  };
  const { tally } = evidence;
  if (!hasAnswered(evidence)) {
    return doubt("silent", "The candidate has answered nobody since the step began.");
  }
  const worse = `evidence for worse ${outOf(found.worseLog, 1 / policy.alphaFail)}`;
  const seen = `${people(tally.peopleCandidate)}, ${count(tally.badCandidate)} bad`;
  if (reaches(found.worseLog, 1 / policy.alphaPass)) {
    return doubt("suspicious", `${seen}: perhaps worse than stable (${worse}).`);
  }
  const goodLimit = 1 / policy.alphaPass;
  if (reaches(found.notTooBadLog, goodLimit)) {
    return {
      verdict: "pass",
      rule: "not-too-bad",
      reason: `${seen}: no worse than stable (${worse}).`,
    };
  }
  if (reaches(found.goodLog, goodLimit)) {
    const reason = `${seen}: fewer than ${plain(policy.badRateMax * 100)} % are failed (${worse}).`;
    return { verdict: "pass", rule: "good-enough", reason };
  }
  return doubt("undecided", undecided(tally, found, policy));
}

function undecided(tally: TallyView, found: Findings, policy: JudgePolicy): string {
  const counted = tally.clean + found.badAssumed;
  const needed = peopleNeeded(found.absolute, found.badAssumed);
  const lost = tally.lost > 0 ? ` ${lostRecords(tally.lost)}` : "";
  if (found.badAssumed < counted * policy.badRateMax || found.badAssumed === 0) {
    const known = count(tally.clean + tally.badCandidate);
    return `Not enough people yet: ${known} of about ${count(needed)}.${lost}`;
  }
  const good = outOf(Math.max(found.goodLog, found.notTooBadLog), 1 / policy.alphaPass);
  return (
    `${people(tally.peopleCandidate)}, ${count(tally.badCandidate)} bad ` +
    `(${percent(tally.badCandidate / Math.max(1, tally.peopleCandidate))}): neither worse ` +
    `(evidence ${outOf(found.worseLog, 1 / policy.alphaFail)}) nor good enough (${good}).${lost}`
  );
}

function hasAnswered(evidence: Evidence): boolean {
  const before = evidence.step.requestsBefore;
  const total = candidateRequests(evidence.routes);
  // The gateway counts from 0 again after its own restart; then all of them are new.
  return before !== null && (total < before ? total : total - before) > 0;
}

/**
 * People whom a weight met first were divided by that very weight, so their share is exact. Where
 * few are new, everybody known is counted by the lane met last, which lags behind a raised weight
 * until they come back.
 */
function actualShare(tally: TallyView, weight: number): number | null {
  const met = tally.firstMet.find((entry) => entry.weight === weight);
  const isEnough = met !== undefined && met.stable + met.candidate >= SHARE_PEOPLE_MIN;
  if (isEnough) return (met.candidate / (met.stable + met.candidate)) * 100;
  return tally.people === 0 ? null : (tally.peopleCandidate / tally.people) * 100;
}

/** Whether e^log is at least `limit`, with room for the rounding of long sums. */
function reaches(log: number, limit: number): boolean {
  return log >= Math.log(limit) - 1e-12;
}

function shown(log: number): number {
  return Math.min(Math.exp(log), EVIDENCE_SHOWN_MAX);
}

function outOf(log: number, limit: number): string {
  return `${amount(shown(log))} of ${plain(limit)}`;
}

function lostRecords(lost: number): string {
  if (lost === 1) return "1 record was lost and counts as bad.";
  return `${count(lost)} records were lost and count as bad.`;
}
