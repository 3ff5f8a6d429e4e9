import { ErrorNote } from "@tideway/ui";
import { tellError } from "./tell-error.ts";

export interface FailureProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
  readonly retryLabel?: string;
}

/** Whatever failed, in words: what happened, what to do, code and trace id. */
export function Failure({ error, ...more }: FailureProps) {
  return <ErrorNote {...tellError(error)} {...more} />;
}
