/**
 * The data of a rollout. All of it is JSON, kept by control in PostgreSQL: a control that was
 * killed at any moment reads the state back, asks `desired` what should be, and goes on.
 */
import { unreachable } from "@tideway/kernel";
import type { RolloutPolicy } from "@tideway/schema";
import type { CommonModeState } from "./common-mode.ts";
import type { PeopleSample, RouteEvidence } from "./evidence.ts";
import type { StepClock, Verdict } from "./judge.ts";
import type { TallyView } from "./tally.ts";

export type RolloutStateName =
  | "starting"
  | "progressing"
  | "paused"
  | "inconclusive"
  | "promoted"
  | "aborted"
  | "withdrawn"
  | "failed";

export type RolloutAction = "pause" | "resume" | "promote" | "abort";

export interface RolloutPlan {
  readonly service: string;
  /** The stable revision; null for the first release of a service. */
  readonly from: string | null;
  /** The candidate. */
  readonly to: string;
  /** "immediate" goes to 100 % once ready, unjudged: how a rollback to a kept revision runs. */
  readonly strategy: "judged" | "immediate";
  readonly policy: RolloutPolicy;
  /** The service's share of bad people in 10 s before the rollout, 0 to 1; null: no traffic. */
  readonly rateBefore: number | null;
  /** How long the candidate may take to its first ready instance, in seconds. */
  readonly startSecondsMax: number;
  /** For the log: who asked for it, for example "operator ada". */
  readonly startedBy: string;
}

export interface RolloutState {
  readonly version: 1;
  readonly plan: RolloutPlan;
  readonly name: RolloutStateName;
  /** Index into the plan's steps. */
  readonly step: number;
  /** Percent of people the candidate is to get. */
  readonly weight: number;
  /** Whether the candidate ever had a ready instance; without one it gets no traffic. */
  readonly wasReady: boolean;
  /** Watched time in `starting`. */
  readonly startingMs: number;
  /** Watched time without a ready instance of the candidate; null while it has one. */
  readonly absentMs: number | null;
  /** Null before the first step. */
  readonly clock: StepClock | null;
  readonly pause: null | {
    readonly by: "operator" | "guard";
    /** Where a resume by the guard leads back to. */
    readonly from: "progressing" | "inconclusive";
  };
  readonly guard: CommonModeState;
  readonly verdict: Verdict | null;
  readonly startedAtMs: number;
  readonly lookedAtMs: number;
  readonly finishedAtMs: number | null;
  /** The sentence that ended it. */
  readonly outcome: string | null;
}

export interface Command {
  readonly action: RolloutAction;
  /** The operator's name. */
  readonly by: string;
  readonly reason?: string;
  /** With promote: to 100 % instead of the next step. */
  readonly full?: boolean;
}

/** What control sees at one moment. Null stands for "not known now", never for "none". */
export interface Observation {
  readonly candidate: null | {
    /** Instances that are ready. */
    readonly ready: number;
    /** Why its instances keep failing to get ready, as the engine says; null when they do not. */
    readonly failure: string | null;
  };
  readonly evidence: null | {
    readonly tally: TallyView;
    readonly routes: readonly RouteEvidence[];
  };
  readonly sample: PeopleSample | null;
  readonly command: Command | null;
}

/** What to do in the world. Each is idempotent and follows from the state, see `desired`. */
export type Effect =
  | { readonly kind: "startCandidate"; readonly revision: string }
  /** These revisions must not be scaled down from now on; an empty list sets the scaler free. */
  | { readonly kind: "keepInstances"; readonly revisions: readonly string[] }
  | { readonly kind: "setWeight"; readonly weight: number }
  | { readonly kind: "promoteCandidate"; readonly revision: string }
  /** Remove the instances once the gateway confirmed a configuration without them, and drained. */
  | { readonly kind: "removeCandidate"; readonly revision: string; readonly afterDrain: true }
  | { readonly kind: "removeStable"; readonly revision: string; readonly afterDrain: true };

export interface Decision {
  readonly atMs: number;
  /** A sentence. */
  readonly text: string;
  /** "judge", "platform" or "operator NAME". */
  readonly by: string;
  readonly kind: DecisionKind;
}

export type DecisionKind =
  | "started"
  | "ready"
  | "raised"
  | "paused"
  | "resumed"
  | "inconclusive"
  | "promoted"
  | "aborted"
  | "withdrawn"
  | "failed";

/** For ROLLOUT_ACTION_ILLEGAL; nothing of the command was done. */
export interface Illegal {
  readonly action: RolloutAction;
  readonly state: RolloutStateName;
  /** A sentence on what stands against it. */
  readonly reason: string;
}

export interface Transition {
  readonly state: RolloutState;
  readonly effects: readonly Effect[];
  readonly decisions: readonly Decision[];
  readonly illegal: Illegal | null;
}

/** Whether the rollout is over; final states never change. */
export function isFinal(state: RolloutState): boolean {
  return state.finishedAtMs !== null;
}

/** What an operator may ask for in this state. */
export function actionsOf(state: RolloutState): readonly RolloutAction[] {
  switch (state.name) {
    case "starting":
      return ["abort"];
    case "progressing":
      return ["pause", "promote", "abort"];
    case "paused":
    case "inconclusive":
      return ["resume", "promote", "abort"];
    case "promoted":
    case "aborted":
    case "withdrawn":
    case "failed":
      return [];
    default:
      return unreachable(state.name);
  }
}

/** When the judge next asks whether the step may pass, in milliseconds since 1970; else null. */
export function nextLookAtMs(state: RolloutState): number | null {
  if (state.name !== "progressing" || state.clock === null) return null;
  const { startedAtMs, uncountedMs } = state.clock;
  const dwellOverMs = startedAtMs + uncountedMs + state.plan.policy.stepSecondsMin * 1000;
  return Math.max(dwellOverMs, state.lookedAtMs);
}
