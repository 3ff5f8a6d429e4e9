/** From a raw request to an exchange, an app's file, or a refusal. */
import { commonErrors, isCoded } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";
import { errorFields, readTrace } from "@tideway/telemetry";
import type { IncomingMessage, ServerResponse } from "node:http";
import { admit, routeUnknown } from "./admission.ts";
import type { Identity } from "./admission.ts";
import type { Core, Incoming } from "./core.ts";
import { gatewayErrors } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { BODY_BUFFER_BYTES_MAX, URL_BYTES_MAX } from "./limits.ts";
import { sendProblem, toCoded } from "./problem.ts";
import { readHead } from "./request-head.ts";
import type { Listener } from "./request-head.ts";
import { newTraceId } from "./trace-ids.ts";
import { newVisitor, visitorCookie, visitorOf } from "./visitor.ts";

/** Loopback by name or address, with any port. */
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

export type Handle = (req: IncomingMessage, res: ServerResponse, mustContinue: boolean) => void;

/** The request handler of one listener. Never throws. */
export function createHandler(core: Core, listener: Listener): Handle {
  return (req, res, mustContinue) => {
    const head = readHead(req.rawHeaders);
    const { traceparent, tracestate } = head;
    // A public client's trace is not ours.
    const parent =
      listener === "internal"
        ? readTrace({ traceparent: traceparent ?? undefined, tracestate: tracestate ?? undefined })
        : null;
    const incoming: Incoming = {
      req,
      res,
      listener,
      head,
      method: req.method ?? "GET",
      target: req.url ?? "/",
      traceId: parent?.traceId ?? newTraceId(),
      sampled: parent?.sampled ?? true,
      isRandom: parent?.isRandom === true,
      tracestate: parent?.state ?? null,
      startedMs: core.clock.monotonic(),
      mustContinue,
    };
    try {
      handle(core, incoming);
    } catch (error) {
      refuse(core, incoming, error);
    }
  };
}

function handle(core: Core, incoming: Incoming): void {
  const { target, head, listener } = incoming;
  if (target.length > URL_BYTES_MAX) {
    throw gatewayErrors.error("URL_TOO_LONG", { given: { limitBytes: URL_BYTES_MAX } });
  }
  if (head.host === null && incoming.req.httpVersion === "1.1") {
    throw gatewayErrors.error("REQUEST_MALFORMED");
  }
  if (head.upgrade) throw gatewayErrors.error("UPGRADE_UNSUPPORTED");
  if (listener === "internal") checkInternal(incoming);
  if (target === "/health") {
    answerHealth(core, incoming);
    return;
  }
  if (!core.table.loaded) throw gatewayErrors.error("GATEWAY_NOT_CONFIGURED");
  if (target.startsWith("/api/")) api(core, incoming);
  else if (listener === "public") void app(core, incoming);
  else throw routeUnknown(incoming);
}

function checkInternal(incoming: Incoming): void {
  const { host, origin } = incoming.head;
  if (host === null || !LOOPBACK_HOST.test(host)) {
    throw gatewayErrors.error("HOST_FORBIDDEN", { given: { given: (host ?? "").slice(0, 100) } });
  }
  if (origin !== null) throw gatewayErrors.error("ORIGIN_FORBIDDEN");
}

function api(core: Core, incoming: Incoming): void {
  const { head, listener } = incoming;
  const caller =
    listener === "internal"
      ? core.callers.identify(head.instance, core.table, core.clock.now())
      : null;
  if (head.authorization === null) {
    exchange(core, incoming, { caller, person: null, unchecked: null });
    return;
  }
  const token = bearerOf(head.authorization);
  const person = core.tokens.cached(token);
  if (person !== null) {
    exchange(core, incoming, { caller, person, unchecked: null });
    return;
  }
  const go = (person: string | null, unchecked: CodedError | null): void => {
    try {
      exchange(core, incoming, { caller, person, unchecked });
    } catch (error) {
      refuse(core, incoming, error);
    }
  };
  core.tokens.verify(token).then(
    (verified) => go(verified, null),
    (error: unknown) => {
      // Without keys nobody can be recognised; what is open to anybody stays open.
      if (isCoded(error, "UPSTREAM_UNAVAILABLE")) go(null, error);
      else refuse(core, incoming, error);
    },
  );
}

function exchange(core: Core, incoming: Incoming, identity: Identity): void {
  // The client may have left while its token was being checked.
  if (incoming.res.destroyed) return;
  new Exchange(core, incoming, admit(core, incoming, identity)).start();
}

function bearerOf(authorization: string): string {
  const token = /^bearer +([^ ]+)$/i.exec(authorization)?.[1];
  if (token !== undefined) return token;
  throw commonErrors.error("TOKEN_INVALID", {
    given: { reason: "the authorization header is not of the form Bearer <token>" },
  });
}

async function app(core: Core, incoming: Incoming): Promise<void> {
  const { req, res, head, method, target, traceId } = incoming;
  try {
    const reply = await core.apps.serve({
      method,
      path: target.split("?", 1)[0] ?? "/",
      acceptEncoding: req.headers["accept-encoding"]?.toString() ?? "",
      ifNoneMatch: req.headers["if-none-match"],
    });
    if (res.destroyed) return;
    const headers = [...reply.headers, "tideway-trace", traceId];
    if (head.keepsCookies && visitorOf(head.cookie) === null) {
      headers.push("set-cookie", visitorCookie(newVisitor(), core.isSecure));
    }
    res.writeHead(reply.status, headers);
    res.end(reply.body ?? undefined);
    log(core, incoming, { status: reply.status, route: `GET ${reply.app}*`, body: reply.body });
  } catch (error) {
    refuse(core, incoming, error);
  }
}

function answerHealth(core: Core, incoming: Incoming): void {
  const { loaded, epoch } = core.table;
  if (!loaded) throw gatewayErrors.error("GATEWAY_NOT_CONFIGURED");
  const body = Buffer.from(JSON.stringify({ status: "ok", epoch }));
  incoming.res.writeHead(200, [
    "content-type",
    "application/json",
    "content-length",
    String(body.length),
    "cache-control",
    "no-store",
  ]);
  // Health probes stay out of the log and the measures.
  incoming.res.end(body);
}

/** Answers with a problem document. The body of a refused request is not waited for. */
function refuse(core: Core, incoming: Incoming, error: unknown): void {
  const { res, head, traceId } = incoming;
  const coded = toCoded(error);
  if (coded.code === "INTERNAL") core.logger.error("gateway.internal", errorFields(error));
  if (head.chunked || (head.contentLength ?? 0) > BODY_BUFFER_BYTES_MAX) {
    res.shouldKeepAlive = false;
  }
  const bytes = sendProblem(res, coded, traceId);
  core.accessLog.write({
    traceId,
    service: null,
    revision: null,
    instance: null,
    route: null,
    status: coded.definition.status,
    durationMs: core.clock.monotonic() - incoming.startedMs,
    bytes,
    caller: null,
  });
}

function log(
  core: Core,
  incoming: Incoming,
  done: { status: number; route: string; body: Buffer | null },
): void {
  core.accessLog.write({
    traceId: incoming.traceId,
    service: null,
    revision: null,
    instance: null,
    route: done.route,
    status: done.status,
    durationMs: core.clock.monotonic() - incoming.startedMs,
    bytes: done.body?.length ?? 0,
    caller: null,
  });
}
