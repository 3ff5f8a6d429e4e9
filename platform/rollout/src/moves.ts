/** The ways a rollout's state changes, each with its decision's sentence. No rule decides here. */
import type { RouteEvidence } from "./evidence.ts";
import { candidateRequests } from "./judge.ts";
import { plain } from "./sentences.ts";
import type { Decision, DecisionKind, Observation, RolloutState } from "./state.ts";

/** A state under way through one look, and what was decided so far. */
export interface Draft {
  readonly state: RolloutState;
  readonly decisions: readonly Decision[];
}

export interface Cause {
  readonly nowMs: number;
  readonly by: string;
  readonly reason: string;
}

/** Gives the candidate the weight of step `index`; past the last one, everything. */
export function enterStep(
  draft: Draft,
  index: number,
  observation: Observation,
  cause: Cause,
  kind: DecisionKind,
): Draft {
  const next = draft.state.plan.policy.steps[index];
  if (next === undefined) return promoteFully(draft, cause);
  const text = `${rise(draft.state.weight, next.weight)}: ${cause.reason}`;
  return decide(draft, cause, kind, text, {
    name: "progressing",
    step: index,
    weight: next.weight,
    pause: null,
    clock: {
      weight: next.weight,
      startedAtMs: cause.nowMs,
      uncountedMs: 0,
      requestsBefore: requestsNow(observation.evidence),
    },
  });
}

/** Starts the same step's clock again, after a longest time that was over. */
export function restartStep(draft: Draft, observation: Observation, nowMs: number): Draft {
  const { state } = draft;
  const requestsBefore = requestsNow(observation.evidence);
  const clock = { weight: state.weight, startedAtMs: nowMs, uncountedMs: 0, requestsBefore };
  return { ...draft, state: { ...state, clock } };
}

export function promoteFully(draft: Draft, cause: Cause): Draft {
  const { weight, plan } = draft.state;
  const text = `${rise(weight, 100)}: ${cause.reason} ${plan.to} has all of the traffic.`;
  return finish(draft, cause, "promoted", text, 100);
}

/** Ends the rollout without the candidate: all traffic is stable's again. */
export function endWithout(
  draft: Draft,
  cause: Cause,
  name: "aborted" | "withdrawn" | "failed",
): Draft {
  const { weight, plan } = draft.state;
  const back = plan.from === null ? "" : ` ${plan.from} has all of the traffic.`;
  const reason = weight > 0 ? `${rise(weight, 0)}: ${cause.reason}` : capital(cause.reason);
  return finish(draft, cause, name, `${reason}${back}`, 0);
}

/** Adds a decision and changes the state's fields. */
export function decide(
  draft: Draft,
  cause: Cause,
  kind: DecisionKind,
  text: string,
  change: Partial<RolloutState>,
): Draft {
  const decision = { atMs: cause.nowMs, text, by: cause.by, kind };
  return {
    state: { ...draft.state, ...change },
    decisions: [...draft.decisions, decision],
  };
}

/** What the candidate has answered up to now; null while the gateway does not say. */
export function requestsNow(
  evidence: { readonly routes: readonly RouteEvidence[] } | null,
): number | null {
  return evidence === null ? null : candidateRequests(evidence.routes);
}

function finish(
  draft: Draft,
  cause: Cause,
  name: "promoted" | "aborted" | "withdrawn" | "failed",
  text: string,
  weight: 0 | 100,
): Draft {
  return decide(draft, cause, name, text, {
    name,
    weight,
    pause: null,
    finishedAtMs: cause.nowMs,
    outcome: text,
  });
}

function rise(from: number, to: number): string {
  return `${plain(from)} % -> ${plain(to)} %`;
}

/** A sentence's beginning; the name of a revision stays as it is. */
function capital(text: string): string {
  if (/^[a-z][a-z0-9-]*-\d+\b/.test(text)) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
