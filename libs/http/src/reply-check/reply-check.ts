/**
 * Checks some replies against their route's schema just before they are sent: the first 20 of a
 * route in each instance, where a new revision shows most of its mistakes, then one in a hundred.
 *
 * A reply that does not match is sent unchanged, since its reader may never look at the wrong field.
 * The header `tideway-violation` tells the gateway, which takes it off and counts the answer as bad
 * for this revision; the log tells where it was, and never what.
 */
import { declaredField, declaredPaths } from "@tideway/client";
import type { RouteApi } from "@tideway/schema";
import type { Logger, Metrics } from "@tideway/telemetry";
import { Compile } from "typebox/compile";
import type { Validator } from "typebox/compile";

/** Of each route and instance: all of them are checked. */
export const CHECKED_FIRST = 20;
/** The share of those after. */
export const CHECKED_SHARE = 0.01;

export interface ReplyCheckOptions {
  readonly route: RouteApi;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly random?: () => number;
}

/** Answers the value of the header for a reply that does not match, null for all others. */
export type ReplyCheck = (reply: unknown, traceId: string) => string | null;

/** Makes the check of one route. */
export function createReplyCheck(options: ReplyCheckOptions): ReplyCheck {
  const { route, logger, metrics, random = Math.random } = options;
  const name = `${route.method} ${route.path}`;
  const checked = counterOf(metrics, "replies_checked", "Replies checked against their schema.");
  const wrong = counterOf(metrics, "reply_violations", "Replies that did not match their schema.");
  let seen = 0;
  let validator: Validator | null = null;
  return (reply, traceId) => {
    if (seen >= CHECKED_FIRST && random() >= CHECKED_SHARE) return null;
    if (seen < CHECKED_FIRST) seen++;
    validator ??= Compile(route.reply);
    checked.inc({ route: name });
    const sent = asSent(reply);
    if (validator.Check(sent)) return null;
    const [first] = validator.Errors(sent);
    wrong.inc({ route: name });
    const { instancePath = "", keyword = "" } = first ?? {};
    const path = safePath(instancePath, route.reply);
    logger.error("reply.violation", { route: name, path, keyword, trace: traceId });
    return name;
  };
}

/** What the reader gets: a date is a string by then, and what is undefined is gone. */
function asSent(reply: unknown): unknown {
  const text = JSON.stringify(reply);
  return text === undefined ? undefined : JSON.parse(text);
}

/** A pointer as expectations spell it; a name that the schema does not have may be a value itself. */
function safePath(pointer: string, schema: object): string {
  const declared = declaredPaths(schema);
  let path = "";
  for (const name of pointer.split("/").slice(1)) {
    if (/^\d+$/.test(name)) path = `${path}[]`;
    else path = declaredField(declared, path, name) ?? `${path}.*`;
  }
  return path;
}

type Count = ReturnType<Metrics["counter"]>;
const counters = new WeakMap<Metrics, Map<string, Count>>();

/** One counter a process, whichever route asks first: a registry takes each name once. */
function counterOf(metrics: Metrics, what: string, help: string): Count {
  const own = counters.get(metrics) ?? new Map<string, Count>();
  counters.set(metrics, own);
  const known = own.get(what) ?? metrics.counter(what, help, ["route"]);
  own.set(what, known);
  return known;
}
