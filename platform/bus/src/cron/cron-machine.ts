/**
 * Which job runs for which tick, as a pure state machine.
 *
 *   settled --- a tick is due ---> running --- answered ---> keeping --- kept ---> settled
 *                                     ^  |
 *                                     |  failed: wait, longer each time
 *                                     +--+  and for the newest tick that is due by then
 *
 * Invariants: a job runs for one tick at a time; only the latest tick that is due is run, however
 * many were missed; a tick is settled when an instance said that it ran, and this is kept before
 * another one begins. Whoever asks twice for one tick (after a kill between the answer and the
 * keeping) is told `ran-before` by the service, so that the job runs once.
 */
import { unreachable } from "@tideway/kernel";
import type { Ticks } from "./ticks.ts";

export interface DeclaredJob {
  readonly service: string;
  readonly job: string;
  readonly expression: string;
}

/** A job as it is kept. Milliseconds since 1970. */
export interface SettledJob extends DeclaredJob {
  readonly settledMs: number;
}

export interface JobState extends SettledJob {
  readonly phase: "settled" | "running" | "keeping";
  /** The tick that is run, tried again or kept. */
  readonly tickMs: number | null;
  /** Tries of this tick that failed. */
  readonly failures: number;
  readonly notBeforeMs: number;
}

/** By `<service>/<job>`. */
export type CronState = ReadonlyMap<string, JobState>;

export type CronInput =
  | { readonly kind: "declared"; readonly jobs: readonly DeclaredJob[]; readonly nowMs: number }
  | { readonly kind: "time"; readonly nowMs: number }
  | { readonly kind: "ran"; readonly key: string; readonly tickMs: number; readonly nowMs: number }
  | {
      readonly kind: "failed";
      readonly key: string;
      readonly tickMs: number;
      readonly nowMs: number;
      /** In [0, 1). */
      readonly jitter: number;
    }
  | {
      readonly kind: "kept";
      readonly key: string;
      readonly isDone: boolean;
      readonly nowMs: number;
    };

export type CronEffect =
  | { readonly kind: "run"; readonly key: string; readonly job: JobState; readonly tickMs: number }
  | { readonly kind: "keep"; readonly key: string; readonly job: SettledJob }
  | { readonly kind: "forget"; readonly service: string; readonly job: string };

export interface CronStep {
  readonly state: CronState;
  readonly effects: readonly CronEffect[];
}

export const RETRY_MS = { base: 1_000, max: 60_000 } as const;
/** A row that could not be written is written again after so long. */
const KEEP_AGAIN_MS = 1_000;

/** The state after a restart, from what was kept. */
export function cronStateOf(kept: readonly SettledJob[]): CronState {
  return new Map(
    kept.map((job) => [
      keyOf(job),
      { ...job, phase: "settled", tickMs: null, failures: 0, notBeforeMs: 0 },
    ]),
  );
}

export function cronStep(state: CronState, input: CronInput, ticks: Ticks): CronStep {
  switch (input.kind) {
    case "declared":
      return declared(state, input.jobs, input.nowMs);
    case "time":
      return due(state, input.nowMs, ticks);
    case "ran":
    case "failed":
      return answered(state, input);
    case "kept":
      return kept(state, input);
    default:
      return unreachable(input);
  }
}

export function keyOf({ service, job }: Pick<DeclaredJob, "service" | "job">): string {
  return `${service}/${job}`;
}

function declared(state: CronState, jobs: readonly DeclaredJob[], nowMs: number): CronStep {
  const next = new Map<string, JobState>();
  const effects: CronEffect[] = [];
  for (const job of jobs) {
    const key = keyOf(job);
    const before = state.get(key);
    if (before?.expression === job.expression) {
      next.set(key, before);
      continue;
    }
    // What was due before it was declared so is nobody's. Its row is written before anything runs.
    const fresh: JobState = {
      ...job,
      settledMs: nowMs,
      phase: "keeping",
      tickMs: null,
      failures: 0,
      notBeforeMs: 0,
    };
    next.set(key, fresh);
    effects.push(keepEffect(fresh));
  }
  for (const [key, { service, job }] of state) {
    if (!next.has(key)) effects.push({ kind: "forget", service, job });
  }
  return { state: next, effects };
}

function due(state: CronState, nowMs: number, ticks: Ticks): CronStep {
  const next = new Map(state);
  const effects: CronEffect[] = [];
  for (const [key, job] of state) {
    if (job.notBeforeMs > nowMs) continue;
    if (job.phase === "keeping" && job.notBeforeMs > 0) {
      const again = { ...job, notBeforeMs: 0 };
      next.set(key, again);
      effects.push(keepEffect(again));
    }
    if (job.phase !== "settled") continue;
    const tickMs = ticks.latest(job.expression, nowMs);
    if (tickMs === null || tickMs <= job.settledMs) continue;
    // A newer tick takes the place of one that kept failing, and begins with short waits again.
    const failures = job.tickMs === tickMs ? job.failures : 0;
    const running: JobState = { ...job, phase: "running", tickMs, failures };
    next.set(key, running);
    effects.push({ kind: "run", key, job: running, tickMs });
  }
  return { state: next, effects };
}

function answered(
  state: CronState,
  input: Extract<CronInput, { readonly kind: "ran" | "failed" }>,
): CronStep {
  const job = state.get(input.key);
  // Declared anew or not at all since it was sent: the answer is about nothing that is kept.
  if (job?.phase !== "running" || job.tickMs !== input.tickMs) return { state, effects: [] };
  if (input.kind === "ran") {
    const done: JobState = { ...job, phase: "keeping", settledMs: input.tickMs, notBeforeMs: 0 };
    return { state: new Map(state).set(input.key, done), effects: [keepEffect(done)] };
  }
  const failures = job.failures + 1;
  const ceilingMs = Math.min(RETRY_MS.max, RETRY_MS.base * 2 ** Math.min(failures - 1, 30));
  const waitMs = Math.round(ceilingMs * (0.5 + input.jitter / 2));
  const waiting: JobState = {
    ...job,
    phase: "settled",
    failures,
    notBeforeMs: input.nowMs + waitMs,
  };
  return { state: new Map(state).set(input.key, waiting), effects: [] };
}

function kept(
  state: CronState,
  { key, isDone, nowMs }: Extract<CronInput, { readonly kind: "kept" }>,
): CronStep {
  const job = state.get(key);
  if (job?.phase !== "keeping") return { state, effects: [] };
  const next: JobState = isDone
    ? { ...job, phase: "settled", tickMs: null, failures: 0, notBeforeMs: 0 }
    : { ...job, notBeforeMs: nowMs + KEEP_AGAIN_MS };
  return { state: new Map(state).set(key, next), effects: [] };
}

function keepEffect(job: JobState): CronEffect {
  const { service, job: name, expression, settledMs } = job;
  return {
    kind: "keep",
    key: keyOf(job),
    job: { service, job: name, expression, settledMs },
  };
}
