/** The one place that says what an answer or a failure means for a step. */
import { isClientError } from "@tideway/client";
import { CodedError } from "@tideway/kernel";
import type { Outcome, Problem } from "./machine/plan.ts";
import { keepableText } from "./store/keepable.ts";

const DETAIL_CHARACTERS_MAX = 300;
/** Asking too early or too often says nothing about the request. */
const ASK_AGAIN = new Set([408, 425, 429]);

/**
 * What is known after a call failed:
 *
 *   no answer, 5xx, unreadable ──> unknown     it may have happened
 *   4xx that may be repeated ────> busy        it did not happen, and may yet
 *   coded 4xx ───────────────────> refused     it did not happen, for good
 *
 * A token that ended (401) is no refusal of the step: another run may do without.
 */
export function outcomeOfCall(error: unknown): Outcome {
  const problem = problemOf(error);
  if (!isClientError(error)) return { kind: "unknown", problem };
  const { status, retryable, code } = error;
  if (status < 400 || status >= 500 || code === "ANSWER_UNREADABLE") {
    return { kind: "unknown", problem };
  }
  if (retryable || ASK_AGAIN.has(status) || status === 401) return { kind: "busy", problem };
  return { kind: "refused", problem };
}

/** As `outcomeOfCall`, for an undo: some refusals say that there is nothing left to undo. */
export function outcomeOfUndo(error: unknown, fine: readonly string[]): Outcome {
  if (isClientError(error, ...fine) && fine.length > 0) return { kind: "done", result: null };
  return outcomeOfCall(error);
}

/** What a transaction that was rolled back for certain means. */
export function outcomeOfTx(error: unknown): Outcome {
  const problem = problemOf(error);
  const isFinal = error instanceof CodedError && !error.definition.retryable;
  return { kind: isFinal ? "refused" : "busy", problem };
}

/** A failure as it is kept: its code and a sentence, bounded. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Error)) return { code: "STEP_FAILED", detail: cut(String(error)) };
  const code: unknown = Reflect.get(error, "code");
  const isCode = typeof code === "string" && /^[A-Z][A-Z0-9_]{2,60}$/.test(code);
  return { code: isCode ? code : "STEP_FAILED", detail: cut(error.message) };
}

function cut(text: string): string {
  // After the cut, which may have gone through the middle of a character.
  return keepableText(text.slice(0, DETAIL_CHARACTERS_MAX));
}
