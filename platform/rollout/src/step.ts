/**
 * The rollout's state machine. Pure: a state, what is seen, and the time give the next state, the
 * effects and the decisions.
 *
 *   starting --ready--> progressing (step 0, 1, ...) --last step passes--> promoted
 *      |                 ^ |      ^ |
 *      |            paused-+      +-inconclusive        each of the three may end:
 *      v                                                  withdrawn  judge, guard, no instance
 *   failed (never ready, never had traffic)               aborted    operator
 *
 * In each look, what takes traffic away comes first, then the operator, then the guard's pause,
 * and last what may give traffic: a `fail` beats a `promote` that arrives with it.
 *
 * Time. The next look adds the time since the last one only if it is at most
 * `OBSERVATION_GAP_MS_MAX`. After an outage of control nothing has expired and nothing has been
 * waited for: a step stands for its shortest time while somebody watched it with evidence at hand.
 * Bad answers of that time are in the gateway's records and do count.
 */
import { invariant, unreachable } from "@tideway/kernel";
import { illegal, obey } from "./commands.ts";
import { calm, commonMode, watchedGapMs } from "./common-mode.ts";
import type { CommonModeFinding } from "./common-mode.ts";
import { effectsBetween } from "./desired.ts";
import { judge } from "./judge.ts";
import type { Verdict } from "./judge.ts";
import { decide, endWithout, enterStep, promoteFully, requestsNow } from "./moves.ts";
import type { Draft } from "./moves.ts";
import { judgePolicy, policyProblem } from "./policy.ts";
import { isFinal } from "./state.ts";
import type { Observation, RolloutPlan, RolloutState, Transition } from "./state.ts";
import { seconds } from "./sentences.ts";

/** How long the candidate may have no ready instance while it has traffic. */
export const ABSENT_MS_MAX = 10_000;
/** The usual longest time to the first ready instance. */
export const START_SECONDS_MAX = 60;

/** One look at a rollout, at `nowMs` milliseconds since 1970. */
export function step(state: RolloutState, observation: Observation, nowMs: number): Transition {
  const { command } = observation;
  if (isFinal(state)) {
    const refused = command === null ? null : illegal(state, command, observation);
    return { state, effects: [], decisions: [], illegal: refused };
  }
  let draft: Draft = { state: tick(state, observation, nowMs), decisions: [] };
  draft =
    state.name === "starting" ? start(draft, observation, nowMs) : watch(draft, observation, nowMs);
  const refused = command === null ? null : illegal(draft.state, command, observation);
  if (command !== null && refused === null) draft = obey(draft, command, observation, nowMs);
  // A step that has just begun is judged at the next look, when something of it can be known.
  if (draft.decisions.length === 0) draft = advance(draft, observation, nowMs);
  return {
    state: draft.state,
    effects: effectsBetween(state, draft.state),
    decisions: draft.decisions,
    illegal: refused,
  };
}

/** Begins a rollout; its policy must have no `policyProblem`. */
export function startRollout(plan: RolloutPlan, nowMs: number): Transition {
  invariant(plan.from !== plan.to, "A rollout moves traffic from one revision to another.");
  const problem = policyProblem(plan.policy);
  invariant(problem === null, `A rollout's policy was checked before: ${problem}.`);
  const state: RolloutState = {
    version: 1,
    plan,
    name: "starting",
    step: 0,
    weight: 0,
    wasReady: false,
    startingMs: 0,
    absentMs: null,
    clock: null,
    pause: null,
    guard: calm(plan.rateBefore),
    verdict: null,
    startedAtMs: nowMs,
    lookedAtMs: nowMs,
    finishedAtMs: null,
    outcome: null,
  };
  const text = `Started: ${plan.from ?? "nothing"} -> ${plan.to}.`;
  const decision = { atMs: nowMs, text, by: plan.startedBy, kind: "started" } as const;
  return { state, effects: effectsBetween(null, state), decisions: [decision], illegal: null };
}

/** Moves the clocks on by the time that was watched. */
function tick(state: RolloutState, observation: Observation, nowMs: number): RolloutState {
  const watchedMs = watchedGapMs(state.lookedAtMs, nowMs);
  const isStarting = state.name === "starting";
  return {
    ...state,
    lookedAtMs: nowMs,
    startingMs: state.startingMs + (isStarting ? watchedMs : 0),
    absentMs: nextAbsentMs(state, observation, watchedMs),
    clock: nextClock(state, observation, nowMs, watchedMs),
    wasReady: state.wasReady || (observation.candidate?.ready ?? 0) > 0,
  };
}

function nextAbsentMs(state: RolloutState, observation: Observation, watchedMs: number) {
  if (observation.candidate === null) return state.absentMs;
  if (observation.candidate.ready > 0) return null;
  return state.absentMs === null ? 0 : state.absentMs + watchedMs;
}

function nextClock(
  state: RolloutState,
  observation: Observation,
  nowMs: number,
  watchedMs: number,
) {
  if (state.clock === null) return null;
  const isCounted = state.name === "progressing" && observation.evidence !== null;
  // The difference may be negative: a wall clock that was set back must not shorten the step.
  const uncounted = nowMs - state.lookedAtMs - (isCounted ? watchedMs : 0);
  return {
    ...state.clock,
    uncountedMs: state.clock.uncountedMs + uncounted,
    requestsBefore: state.clock.requestsBefore ?? requestsNow(observation.evidence),
  };
}

/** Until the candidate is ready: it gets no traffic, and it may fail. */
function start(draft: Draft, observation: Observation, nowMs: number): Draft {
  const { plan, startingMs, startedAtMs } = draft.state;
  const { candidate } = observation;
  const cause = (reason: string) => ({ nowMs, by: "platform", reason });
  if (candidate !== null && candidate.ready > 0) {
    const ready = cause(`${plan.to} was ready after ${nowMs - startedAtMs} ms.`);
    if (plan.from === null || plan.strategy === "immediate") return promoteFully(draft, ready);
    return enterStep(draft, 0, observation, ready, "ready");
  }
  if (candidate !== null && candidate.failure !== null) {
    return endWithout(
      draft,
      cause(`${plan.to} did not get ready: ${candidate.failure}.`),
      "failed",
    );
  }
  if (startingMs < plan.startSecondsMax * 1000) return draft;
  const late = `${plan.to} was not ready within ${plan.startSecondsMax} s.`;
  return endWithout(draft, cause(late), "failed");
}

/** While the candidate has traffic: everything that may withdraw it, and the guard's pause. */
function watch(draft: Draft, observation: Observation, nowMs: number): Draft {
  const { absentMs, plan } = draft.state;
  if (absentMs !== null && absentMs >= ABSENT_MS_MAX) {
    const failure = observation.candidate?.failure ?? null;
    const why = failure === null ? "" : ` (${failure})`;
    const reason = `${plan.to} had no ready instance for ${seconds(absentMs)}${why}.`;
    return endWithout(draft, { nowMs, by: "platform", reason }, "withdrawn");
  }
  const { sample } = observation;
  const found = sample === null ? null : commonMode(draft.state.guard, sample, nowMs);
  const guard = found?.state ?? draft.state.guard;
  const isDisturbed = guard.raised !== null || found?.action === "abort";
  const verdict = verdictOf(draft.state, observation, isDisturbed, nowMs) ?? draft.state.verdict;
  const looked = { ...draft, state: { ...draft.state, guard, verdict } };
  // Evidence against the candidate itself is the better reason when both would end it.
  if (verdict?.verdict === "fail") {
    return endWithout(looked, { nowMs, by: "judge", reason: verdict.reason }, "withdrawn");
  }
  return found === null ? looked : heed(looked, found, nowMs);
}

function verdictOf(
  state: RolloutState,
  observation: Observation,
  disturbed: boolean,
  nowMs: number,
): Verdict | null {
  if (observation.evidence === null || state.clock === null) return null;
  const evidence = { ...observation.evidence, step: state.clock, disturbed };
  return judge(evidence, judgePolicy(state.plan.policy), nowMs);
}

/** Does what the common-mode guard says. */
function heed(draft: Draft, found: CommonModeFinding, nowMs: number): Draft {
  const { name, pause } = draft.state;
  const cause = { nowMs, by: "platform", reason: found.reason };
  switch (found.action) {
    case "none":
      return draft;
    case "abort":
      return endWithout(draft, cause, "withdrawn");
    case "pause":
      if (name !== "progressing" && name !== "inconclusive") return draft;
      return decide(draft, cause, "paused", `Paused: ${found.reason}`, {
        name: "paused",
        pause: { by: "guard", from: name },
      });
    case "resume":
      if (pause?.by !== "guard") return draft;
      return decide(draft, cause, "resumed", `Resumed: ${found.reason}`, {
        name: pause.from,
        pause: null,
      });
    default:
      return unreachable(found.action);
  }
}

/** What a verdict other than `fail` does to a step that is being judged. */
function advance(draft: Draft, observation: Observation, nowMs: number): Draft {
  const { state } = draft;
  const { verdict, plan } = state;
  if (state.name !== "progressing" || verdict === null || observation.evidence === null)
    return draft;
  // Neither absence nor silence of the engine is a reason to send more people there.
  const isThere = (observation.candidate?.ready ?? 0) > 0;
  const cause = { nowMs, by: "judge", reason: verdict.reason };
  if (verdict.verdict === "pass") {
    return isThere ? enterStep(draft, state.step + 1, observation, cause, "raised") : draft;
  }
  if (verdict.rule !== "overdue") return draft;
  switch (plan.policy.onInconclusive) {
    case "hold":
      return decide(draft, cause, "inconclusive", verdict.reason, { name: "inconclusive" });
    case "abort":
      return endWithout(draft, cause, "withdrawn");
    case "promote":
      return isThere ? enterStep(draft, state.step + 1, observation, cause, "raised") : draft;
    default:
      return unreachable(plan.policy.onInconclusive);
  }
}
