/** Compares two AsyncAPI documents, event by event. */
import type { Comparison, Place } from "./comparison.ts";
import { EVERYTHING } from "./comparison.ts";
import { eventsOf } from "./events.ts";
import type { EventMessage } from "./events.ts";
import { listAt, textAt } from "./json.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import type { Conjunction } from "./shape.ts";

export function relateAsyncApi(run: Comparison): void {
  const before = eventsOf(run.before);
  const after = eventsOf(run.after);
  for (const [key, was] of before) {
    const is = after.get(key);
    if (is === undefined) run.tell("event-removed", placeOf(was, "event", "the event"), was.at);
    else relateEvent(run, was, is);
  }
  for (const [key, is] of after) {
    if (!before.has(key)) run.tell("event-added", placeOf(is, "event", "the event"), is.at);
  }
}

/**
 * What is sent is read by others (an event); what is received is demanded of others (a request).
 */
function placeOf(event: EventMessage, part: string, subject: string): Place {
  return {
    operation: event.type,
    direction: event.action === "send" ? "event" : "request",
    part,
    subject: `${subject} ${event.type}`,
    property: "",
    text: "none",
    parameter: false,
    muted: false,
    keep: EVERYTHING,
  };
}

function relateEvent(run: Comparison, was: EventMessage, is: EventMessage): void {
  const place = placeOf(was, "event", "the event");
  if (was.address !== is.address) {
    run.tell("event-moved", place, is.at, `: by ${is.address}, not ${was.address}`);
  }
  const [from, to] = [contentType(was), contentType(is)];
  if (from !== to) run.tell("content-type-changed", place, is.at, `: ${to}, not ${from}`);
  run.relate(schemasOf(was, "payload"), schemasOf(is, "payload"), place);
  const headers = placeOf(was, "headers", "the headers of");
  run.relate(schemasOf(was, "headers"), schemasOf(is, "headers"), headers);
}

function contentType(event: EventMessage): string {
  const own = textAt(event.at.value, "contentType");
  return own ?? textAt(event.at.document.root, "defaultContentType") ?? "application/json";
}

/** A message's schema together with those of its traits. */
function schemasOf(event: EventMessage, part: "payload" | "headers"): Conjunction {
  const traits = listAt(event.at.value, "traits").map((_, index) =>
    resolve(below(event.at, "traits", index)),
  );
  return [event.at, ...traits]
    .map((holder) => (holder === undefined ? undefined : below(holder, part)))
    .filter((schema): schema is Located => schema?.value !== undefined)
    .map(withoutEnvelope);
}

/** Version 3 may wrap a schema with the name of its language. */
function withoutEnvelope(schema: Located): Located {
  const named = textAt(schema.value, "schemaFormat") !== undefined;
  return named ? below(schema, "schema") : schema;
}
