/** Sentences about why an instance does not serve, as operators and reports read them. */
import type { InstanceEnd } from "./driver.ts";
import type { InstanceFailure } from "./engine.ts";
import type { ProbeAnswer } from "./health.ts";

/** An instance that answers, but not 200; or does not answer. */
export function describeUnready(answer: ProbeAnswer | null, logLines: string[]): InstanceFailure {
  return { ...fields(answer), reason: answered(answer), logLines };
}

/** An instance that had `waitedMs` to get ready and did not. */
export function describeLate(
  answer: ProbeAnswer | null,
  waitedMs: number,
  logLines: string[],
): InstanceFailure {
  const reason = `${answered(answer)} and was not ready within ${waitedMs} ms`;
  return { ...fields(answer), reason, logLines };
}

/** An instance whose process ended unasked. */
export function describeEnd(
  end: InstanceEnd,
  wasReady: boolean,
  answer: ProbeAnswer | null,
  logLines: string[],
): InstanceFailure {
  const reason = wasReady ? ended(end) : `${ended(end)} before it was ready`;
  // What /ready said while all was well explains nothing.
  const status = answer?.status === 200 ? null : answer;
  return { ...fields(status), reason, logLines };
}

/** An instance that never came to be. */
export function describeNotStarted(error: unknown): InstanceFailure {
  const reason = error instanceof Error ? error.message : String(error);
  return { reason, status: null, body: null, logLines: [] };
}

function fields(answer: ProbeAnswer | null): Pick<InstanceFailure, "status" | "body"> {
  return { status: answer?.status ?? null, body: answer?.body ?? null };
}

function answered(answer: ProbeAnswer | null): string {
  if (answer === null) return "/ready was not asked";
  if (answer.status !== null) return `/ready answered ${answer.status}`;
  return `/ready did not answer (${answer.problem ?? "no reason given"})`;
}

function ended(end: InstanceEnd): string {
  if (end.signal !== null) return `was ended by ${end.signal}`;
  if (end.code !== null) return `exited with code ${end.code}`;
  return "ended";
}
