import { describeError } from "@tideway/ui";
import type { ErrorDescription } from "@tideway/ui";
import { messages } from "../messages.ts";

/** A failure in the wallet's words where it has some for the code, else in the service's own. */
export function tellError(error: unknown): ErrorDescription {
  const described = describeError(error, messages.errors);
  const own = Object.entries(messages.errors.byCode).find(([code]) => code === described.code);
  return own === undefined ? described : { ...described, ...own[1] };
}
