/** The headers an instance gets: what the client sent, and what the gateway vouches for. */
import { formatTraceparent } from "@tideway/telemetry";
import { ASSERTION_HEADER, ASSERTION_VALID_MS, signAssertion } from "@tideway/trust";
import type { Admission } from "./admission.ts";
import type { Core, Incoming } from "./core.ts";
import type { Endpoint } from "./endpoint.ts";
import { newSpanId } from "./trace-ids.ts";

/** Names and values in turn; `remainingMs` is what is left of the deadline. */
export function upstreamHead(
  core: Core,
  incoming: Incoming,
  admission: Admission,
  endpoint: Endpoint,
  remainingMs: number,
): string[] {
  const { traceId, sampled, isRandom, tracestate } = incoming;
  const headers = [
    ...incoming.head.forward,
    ASSERTION_HEADER,
    assertionFor(core, incoming, admission, endpoint),
    "traceparent",
    formatTraceparent({ traceId, spanId: newSpanId(), sampled, isRandom }),
    ...(tracestate === null ? [] : ["tracestate", tracestate]),
    "tideway-deadline",
    String(Math.max(1, Math.floor(remainingMs))),
    "x-forwarded-for",
    core.clientAddress(incoming.req),
    "x-forwarded-proto",
    core.isSecure && incoming.listener === "public" ? "https" : "http",
  ];
  const { contentLength } = incoming.head;
  if (contentLength !== null && contentLength > 0) {
    headers.push("content-length", String(contentLength));
  }
  return headers;
}

function assertionFor(
  core: Core,
  incoming: Incoming,
  admission: Admission,
  endpoint: Endpoint,
): string {
  const { caller, service } = admission;
  return signAssertion(
    {
      caller: caller?.service ?? null,
      revision: caller?.revision?.id ?? null,
      instance: caller?.instance ?? null,
      audience: service.name,
      method: incoming.method,
      path: admission.path,
      person: admission.person,
      // A part of the platform moves no money: where grants are enforced it has none.
      ...(service.enforcesGrants && caller !== null
        ? { grants: caller.revision?.grants ?? [] }
        : {}),
      expiresAtMs: core.clock.now() + ASSERTION_VALID_MS,
    },
    endpoint.assertionKey,
  );
}
