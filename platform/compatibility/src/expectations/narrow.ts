/** Whether a change of an api touches what one consumer relies on. */
import type { Expectation } from "@tideway/schema";
import type { Finding } from "../diff/finding.ts";
import { operationKey } from "../verify/operations.ts";

type Change = Pick<Finding, "operation" | "direction" | "part" | "property" | "rule">;

/**
 * Of a consumer without recorded expectations (null) nothing is known, so each change touches it. One
 * with a file of them does not use what is not in it: of events too, once it has noted any of that type.
 */
export function affects(change: Change, expects: readonly Expectation[] | null): boolean {
  if (expects === null) return true;
  const key = operationKey(change.operation);
  const own = expects.filter(({ operation }) => operationKey(operation) === key);
  // Handlers of events are not always run by tests: without a note, all of the event counts.
  if (own.length === 0) return change.direction === "event";
  const path = pathOf(change);
  if (change.direction === "request") {
    // Whoever calls sends the whole path, under whatever names the parameters had at the time.
    if (path === null || change.part.startsWith("path ") || asksForMore(change)) return true;
    return own.some((one) => one.part === "request" && touches(one.path, path));
  }
  // A refusal's fields are not recorded; whoever calls may meet one.
  if (path === null || /^reply (?!2)/.test(change.part)) return true;
  const part = change.direction;
  return own.some((one) => one.part === part && touches(one.path, path));
}

/** Whether a recorded field is the changed one or stands below it. */
function touches(recorded: string, changed: string): boolean {
  if (recorded === changed) return true;
  return recorded.startsWith(`${changed}.`) || recorded.startsWith(`${changed}[]`);
}

/** What a consumer does not send cannot be recorded: what is asked for anew touches all who call. */
function asksForMore({ rule }: Change): boolean {
  return /required|missing|mandatory/.test(rule);
}

/** The changed field as expectations spell it, null for the whole operation. */
function pathOf({ part, property, direction }: Change): string | null {
  const below = property === undefined || property === "" ? null : property;
  if (direction !== "request") return below;
  const [place = "", name] = part.split(" ");
  const root = place === "body" || name === undefined ? place : `${place}.${name.toLowerCase()}`;
  const known = root.replace(/^query\..*/, `query.${name ?? ""}`).replace(/^path\./, "params.");
  if (!/^(body|query|header|params)/.test(known)) return null;
  if (below === null) return known === "body" ? null : known;
  return `${known}.${below}`.replace(".[]", "[]");
}
