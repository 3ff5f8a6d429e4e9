import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { submit } from "./submit.ts";
import type { Outcome } from "./submit.ts";

export type SubmissionState =
  | { readonly phase: "idle" }
  /** `retry` is 0 on the first try. */
  | { readonly phase: "busy"; readonly retry: number }
  | { readonly phase: "refused"; readonly error: unknown; readonly final: boolean }
  /** `error` is null when the page was reloaded in the middle. */
  | { readonly phase: "unknown"; readonly error: unknown };

export interface SubmissionOptions<T> {
  /** Sends once, always under the same key. */
  readonly send: () => Promise<T>;
  /** True when a request under this key left before and nothing clear came back. */
  readonly unclearBefore: boolean;
  /** Called before the first try leaves. */
  readonly onStart?: () => void;
  readonly onOutcome: (outcome: Outcome<T>) => void;
}

export interface Submission {
  readonly state: SubmissionState;
  readonly start: () => void;
}

/** Drives one money request; leaving the page stops its retries, and its key stays behind. */
export function useSubmission<T>(options: SubmissionOptions<T>): Submission {
  const [state, setState] = useState<SubmissionState>(
    options.unclearBefore ? { phase: "unknown", error: null } : { phase: "idle" },
  );
  const latest = useRef(options);
  useLayoutEffect(() => {
    latest.current = options;
  });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const start = useCallback(() => {
    // A second press while the first request is under way changes nothing.
    if (running.current !== null) return;
    const leaving = new AbortController();
    running.current = leaving;
    const { send, unclearBefore, onStart } = latest.current;
    onStart?.();
    setState({ phase: "busy", retry: 0 });
    void submit(send, {
      unclearBefore,
      signal: leaving.signal,
      onRetry: (retry) => setState({ phase: "busy", retry }),
    }).then((outcome) => {
      running.current = null;
      latest.current.onOutcome(outcome);
      if (outcome.kind === "refused") {
        setState({ phase: "refused", error: outcome.error, final: outcome.final });
      }
      if (outcome.kind === "unknown") setState({ phase: "unknown", error: outcome.error });
    });
  }, []);
  return { state, start };
}
