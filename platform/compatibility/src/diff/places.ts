/**
 * What the parts of a document have in common: the run, the operation, and where its data travels.
 */
import { EVERYTHING } from "./comparison.ts";
import type { Comparison, Place } from "./comparison.ts";
import type { Direction } from "./finding.ts";

export interface Scope {
  readonly run: Comparison;
  /** `POST /invoices`, or an event's type. */
  readonly operation: string;
  /**
   * True where the service calls and the other side answers (callbacks, webhooks): what is a
   * request there is read by the other side, so it is held to the rules of replies.
   */
  readonly inverted: boolean;
}

/** The place of a part that callers write (`request`) or read (`reply`) in a usual operation. */
export function placeIn(
  scope: Scope,
  usual: "request" | "reply",
  part: string,
  subject: string,
): Place {
  return {
    operation: scope.operation,
    direction: directionIn(scope, usual),
    part,
    subject: `${subject} of ${scope.operation}`,
    property: "",
    text: "none",
    parameter: false,
    muted: false,
    keep: EVERYTHING,
  };
}

export function directionIn({ inverted }: Scope, usual: "request" | "reply"): Direction {
  if (!inverted) return usual;
  return usual === "request" ? "reply" : "request";
}

/** The place of an operation as a whole. */
export function wholeOf(scope: Scope): Place {
  const place = placeIn(scope, "request", "operation", "");
  return { ...place, subject: scope.operation };
}
