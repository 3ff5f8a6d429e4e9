/**
 * A saga's steps as a way: forward, with the line behind which there is no way back, and, once it
 * was given up, back over what was done, the last step first.
 *
 *   claim ── hold ──│ no way back │── move ── confirm        forward
 *   claim <── hold                                           back
 */
import type { SagaStep, SagaSummary } from "@tideway/schema";
import { quoted } from "./format.ts";

/** Where there is no way back any more: the pivot, or else the first confirmation; -1 for none. */
export function pivotIndexOf(steps: readonly SagaStep[]): number {
  const pivot = steps.findIndex(({ kind }) => kind === "pivot");
  return pivot >= 0 ? pivot : steps.findIndex(({ kind }) => kind === "confirm");
}

/** True once the pivot was begun, even if nobody heard of its answer; its service decides alike. */
export function isPastPivot(
  saga: Pick<SagaSummary, "state" | "step">,
  steps: readonly SagaStep[],
): boolean {
  const pivot = pivotIndexOf(steps);
  if (pivot < 0 || saga.state === "compensating" || saga.state === "compensated") return false;
  if (saga.state === "completed") return true;
  const at = steps.findIndex(({ step }) => step === saga.step);
  return at === pivot ? steps[pivot]?.state === "running" : at > pivot;
}

/** What the line in the timeline says. */
export function lineWords(
  saga: Pick<SagaSummary, "state" | "step">,
  steps: readonly SagaStep[],
): string {
  const pivot = steps[pivotIndexOf(steps)]?.step ?? "";
  if (saga.state === "compensating" || saga.state === "compensated")
    return "No way back: never reached";
  if (isPastPivot(saga, steps)) return "No way back any more";
  return `No way back once ${quoted(pivot)} has begun`;
}

export interface StepBack {
  readonly step: SagaStep;
  readonly state: "undone" | "undoing" | "ahead" | "nothing";
}

/** The steps that go back, in the order in which they are undone. Empty for a saga on its way. */
export function wayBackOf(
  saga: Pick<SagaSummary, "state" | "step">,
  steps: readonly SagaStep[],
): StepBack[] {
  if (saga.state !== "compensating" && saga.state !== "compensated") return [];
  return steps
    .flatMap((step): StepBack[] => {
      const state = backStateOf(saga, step);
      return state === null ? [] : [{ step, state }];
    })
    .toReversed();
}

/** Null for steps that never happened, which have nothing to do with the way back. */
function backStateOf(
  saga: Pick<SagaSummary, "state" | "step">,
  { step, state }: SagaStep,
): StepBack["state"] | null {
  if (state === "undone") return "undone";
  if (state === "no-undo") return "nothing";
  // A step that was begun counts as done until its undo has made sure of the contrary.
  if (state !== "done" && state !== "running") return null;
  return saga.step === step ? "undoing" : "ahead";
}

/** The undo request in words: `POST east /steps/undo`; null where none was written down. */
export function undoWords(service: string, undo: SagaStep["undo"]): string | null {
  if (undo === null) return null;
  const at = undo.service === "self" ? service : undo.service;
  return `${undo.method} ${at} ${undo.path}`;
}

/** A step that was tried in vain more often than it was done at once. */
export function stepTries({ attempts, state }: Pick<SagaStep, "attempts" | "state">): number {
  const isTried = state === "done" || state === "failed" || state === "undone";
  return attempts + (isTried ? 1 : 0);
}

/** How long the step took, or has been under way, in milliseconds; null before it began. */
export function stepMs(step: SagaStep, nowMs: number): number | null {
  if (step.startedAt === null) return null;
  if (step.finishedAt !== null) return Date.parse(step.finishedAt) - Date.parse(step.startedAt);
  return step.state === "running" ? nowMs - Date.parse(step.startedAt) : null;
}
