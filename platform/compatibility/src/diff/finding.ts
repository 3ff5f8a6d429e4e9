import type { RuleId } from "../rules/rules.ts";

/**
 * Who reads the data: the service itself (a request), its caller (a reply), or a consumer (an
 * event). Requests are contravariant; replies and events are covariant.
 */
export type Direction = "request" | "reply" | "event";
export type Level = "breaking" | "warning" | "info";

export interface Finding {
  /** JSON pointer into the document that `document` names. */
  readonly path: string;
  /** What is gone is pointed at in the old document, everything else in the new one. */
  readonly document: "before" | "after";
  readonly rule: RuleId;
  readonly level: Level;
  /** `POST /invoices`, as the old document writes it, or an event's type. */
  readonly operation: string;
  readonly direction: Direction;
  /** The part of the operation: `body`, `reply 200`, `query limit`, `header etag`, `event`. */
  readonly part: string;
  readonly sentence: string;
  /** The data's path inside the part: `lines[].amount`, `balances.*`; absent for the whole. */
  readonly property?: string;
}
