import { ErrorNote, describeError } from "@tideway/ui";
import type { ErrorDescription } from "@tideway/ui";

export interface FailureProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

const FALLBACK = {
  unreachable: {
    title: "Control did not answer.",
    action: "Look whether it runs with npx tideway status; this page tries again by itself.",
  },
  unexpected: {
    title: "This page ran into something it does not know.",
    action: "Reload the page. If it stays, report the code.",
  },
};

/** A failure of the admin api: its code, what to do, its trace id. */
export function Failure({ error, onRetry }: FailureProps) {
  return <ErrorNote {...describeFailure(error)} {...(onRetry === undefined ? {} : { onRetry })} />;
}

/** Its words, with control in the place of whoever did not answer. */
export function describeFailure(error: unknown): ErrorDescription {
  const told = describeError(error, FALLBACK);
  return told.code === "UNREACHABLE" ? { ...told, ...FALLBACK.unreachable } : told;
}
