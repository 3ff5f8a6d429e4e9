/** What a saga and its steps are called, how they are coloured, and what their state means. */
import type { SagaStep, SagaSummary } from "@tideway/schema";
import type { IconName, Tone } from "@tideway/ui";
import { unreachable } from "@tideway/kernel";
import { counted, duration, elapsed, quoted } from "./format.ts";
import { asSentence } from "./needs-me.ts";
import { isPastPivot, pivotIndexOf } from "./saga-timeline.ts";

export interface Look {
  readonly word: string;
  readonly tone: Tone;
  readonly sign: IconName;
}

export function sagaLook(state: SagaSummary["state"]): Look {
  switch (state) {
    case "running":
      return { word: state, tone: "tide", sign: "dot" };
    case "waiting":
      return { word: state, tone: "quiet", sign: "clock" };
    case "compensating":
      return { word: state, tone: "warn", sign: "back" };
    case "completed":
      return { word: state, tone: "good", sign: "check" };
    case "compensated":
      return { word: state, tone: "quiet", sign: "back" };
    default:
      return unreachable(state);
  }
}

/** `isGivenUp`: of a saga on its way back, where a step that was begun is no longer being tried. */
export function stepLook(state: SagaStep["state"], isGivenUp: boolean): Look {
  if (state === "running" && isGivenUp) return { word: "may be done", tone: "warn", sign: "clock" };
  switch (state) {
    case "pending":
      return { word: state, tone: "quiet", sign: "dash" };
    case "running":
      return { word: state, tone: "tide", sign: "dot" };
    case "done":
      return { word: state, tone: "good", sign: "check" };
    case "failed":
      return { word: state, tone: "bad", sign: "cross" };
    case "undone":
      return { word: state, tone: "quiet", sign: "back" };
    case "no-undo":
      return { word: "nothing to undo", tone: "quiet", sign: "dash" };
    default:
      return unreachable(state);
  }
}

/** What a step of this kind is, for those who did not write it. */
export function kindWords(kind: SagaStep["kind"]): string {
  switch (kind) {
    case "tx":
      return "own transaction";
    case "call":
    case "reserve":
    case "confirm":
    case "pivot":
    case "timer":
    case "signal":
      return kind;
    default:
      return unreachable(kind);
  }
}

export function isOver({ state }: Pick<SagaSummary, "state">): boolean {
  return state === "completed" || state === "compensated";
}

/** On its way back, or back. */
export function isGivenUp({ state }: Pick<SagaSummary, "state">): boolean {
  return state === "compensating" || state === "compensated";
}

/** "payment v1" */
export function sagaName({ name, version }: Pick<SagaSummary, "name" | "version">): string {
  return `${name} v${version}`;
}

/** How long it has been under way, or took; `nowMs` is milliseconds since 1970. */
export function ageWords(saga: SagaSummary, nowMs: number): string {
  const startedMs = Date.parse(saga.startedAt);
  if (!isOver(saga)) return duration(nowMs - startedMs);
  return `took ${elapsed(Date.parse(saga.updatedAt) - startedMs)}`;
}

/** When it goes on by itself, in a few words; null when it is over. */
export function dueWords(saga: SagaSummary, nowMs: number): string | null {
  if (isOver(saga)) return null;
  if (saga.dueAt === null) return saga.state === "waiting" ? "not by itself" : "now";
  const leftMs = Date.parse(saga.dueAt) - nowMs;
  return leftMs <= 0 ? "now" : `in ${duration(Math.max(1_000, leftMs))}`;
}

export interface ProblemWords {
  readonly code: string;
  readonly detail: string;
}

/** The api writes a problem as `CODE: what happened`. */
export function splitProblem(problem: string): ProblemWords {
  const [, code, detail] = /^([A-Z][A-Z0-9_]*): ?(.*)$/s.exec(problem) ?? [];
  if (code === undefined || detail === undefined) return { code: "UNKNOWN", detail: problem };
  // What another service answered comes with its code in front of the words once more.
  const words = detail.startsWith(`${code}: `) ? detail.slice(code.length + 2) : detail;
  return { code, detail: asSentence(words) };
}

/** One sentence: what happens now, or what became of it. */
export function sagaMeaning(saga: SagaSummary, steps: readonly SagaStep[]): string {
  const kind = steps.find(({ step }) => step === saga.step)?.kind;
  switch (saga.state) {
    case "running":
      return saga.attempts === 0
        ? `It is at the step ${quoted(saga.step)}.`
        : `It is at the step ${quoted(saga.step)}, which failed ${counted(saga.attempts, "time", "times")} so far. It is tried until it succeeds${untilWhen(saga, steps)}.`;
    case "waiting":
      return kind === "signal"
        ? `It waits for the signal ${quoted(saga.step)}. Nothing is wrong.`
        : `It waits for its timer ${quoted(saga.step)}. Nothing is wrong.`;
    case "compensating":
      return "It was given up. What was done is being undone, the last step first, until all of it is.";
    case "completed":
      return "Every step is done.";
    case "compensated":
      return "It was given up, and what was done is undone.";
    default:
      return unreachable(saga.state);
  }
}

function untilWhen(saga: SagaSummary, steps: readonly SagaStep[]): string {
  return isPastPivot(saga, steps) ? "" : ", or until its time is over and it is undone";
}

/** What an operator can do about the problem. */
export function problemRemedy(
  service: string,
  saga: SagaSummary,
  steps: readonly SagaStep[],
): string {
  if (saga.state === "compensated") {
    return "There is nothing left to do here. What it was about can be asked for anew.";
  }
  if (saga.state === "compensating") {
    if (saga.attempts === 0) return "There is nothing to do while the undoing goes on.";
    return "The undo is tried until it succeeds. Find out why it fails, then try again at once.";
  }
  const look = `Look at the logs of ${service} and of the service that the step calls.`;
  const pivot = steps[pivotIndexOf(steps)];
  if (isPastPivot(saga, steps) && pivot !== undefined) {
    return `${look} Once the cause is gone it goes on by itself, at the latest 30 s later. It cannot be given up: ${quoted(pivot.step)} has begun.`;
  }
  return `${look} Once the cause is gone it goes on by itself, at the latest 30 s later. It can still be given up: what was done is undone then.`;
}
