import { ErrorNote, describeError } from "@tideway/ui";

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
  const { code, title, action, traceId } = describeError(error, FALLBACK);
  const told =
    code === "UNREACHABLE"
      ? { code, traceId, ...FALLBACK.unreachable }
      : { code, title, action, traceId };
  return <ErrorNote {...told} {...(onRetry === undefined ? {} : { onRetry })} />;
}
