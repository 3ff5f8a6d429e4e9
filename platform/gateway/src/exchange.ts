/**
 * One request through the gateway, from admission to the last byte of its answer.
 *
 *   collect body -> endpoint, or wait for one -> attempt -> answer
 *                                  ^                |  connection lost, and safe to repeat
 *                                  +--- once -------+
 *
 * Invariants: it settles exactly once; the first attempt alone is labelled, also when a second
 * one succeeds; what the client itself spoilt is labelled at nobody.
 */
import { CodedError, commonErrors } from "@tideway/kernel";
import { VIOLATION_HEADER } from "@tideway/schema";
import { errorFields } from "@tideway/telemetry";
import type { Dispatcher } from "undici";
import type { IncomingHttpHeaders } from "undici/types/header.js";
import { routeOf } from "./admission.ts";
import type { Admission } from "./admission.ts";
import { Attempt } from "./attempt.ts";
import type { AttemptOwner } from "./attempt.ts";
import type { BadReason } from "./config.ts";
import type { Core, Incoming } from "./core.ts";
import { failedIn, outcomesOf } from "./delivery.ts";
import type { Pin } from "./delivery.ts";
import type { Endpoint } from "./endpoint.ts";
import { gatewayErrors } from "./errors.ts";
import { sendProblem, toCoded } from "./problem.ts";
import { Reply } from "./reply.ts";
import { RequestBody } from "./request-body.ts";
import type { Revision, Waiter } from "./revision.ts";
import { upstreamHead } from "./upstream-head.ts";

/** What the log says of a request whose client went away. */
const STATUS_CLIENT_GONE = 499;
const ATTEMPTS_MAX = 2;

export class Exchange implements AttemptOwner, Waiter {
  readonly #core: Core;
  readonly #incoming: Incoming;
  readonly #body: RequestBody;
  #admission: Admission;
  /** Where the present attempt goes; a retry may leave the chosen revision. */
  #revision: Revision;
  #attempt: Attempt | null = null;
  #reply: Reply | null = null;
  #attempts = 0;
  #labelled = false;
  /** Of a delivery's reply: which of its events failed. */
  #failed: string | null = null;
  /** The reply is not as its own api says; whoever asked gets it all the same. */
  #violates = false;
  #settled = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(core: Core, incoming: Incoming, admission: Admission) {
    this.#core = core;
    this.#incoming = incoming;
    this.#admission = admission;
    this.#revision = admission.choice.revision;
    this.#body = new RequestBody(incoming.req, incoming.head, admission.route.bodyBytesMax);
  }

  start(): void {
    const { res, mustContinue } = this.#incoming;
    res.on("close", () => this.#clientClosed());
    if (this.#remainingMs() <= 0) {
      this.#expire();
      return;
    }
    this.#startTimer();
    if (mustContinue) res.writeContinue();
    this.#body.collect((error) => {
      if (this.#settled) return;
      if (error === null) this.#acquire(null);
      else this.#fail(error);
    });
  }

  // -- waiting ------------------------------------------------------------------------------

  proceed(endpoint: Endpoint): void {
    this.#dispatch(endpoint);
  }

  /** The configuration changed while it waited: the split is asked again. */
  reconsider(): void {
    try {
      const before = this.#admission;
      const choice = before.service.choose(before.personKey, this.#pin);
      if (choice === null) throw this.#unavailable();
      const route = routeOf(choice, this.#incoming, before.path);
      if (!this.#labelled) this.#admission = { ...before, choice, route };
      this.#revision = choice.revision;
      this.#acquire(null);
    } catch (error) {
      this.#fail(toCoded(error));
    }
  }

  #acquire(except: Endpoint | null): void {
    const { service } = this.#admission;
    // The split may have changed while the body came in, or since the last attempt.
    const pin = this.#pin;
    const stale = pin === null ? null : service.staleness(pin);
    if (stale !== null) {
      this.#fail(stale);
      return;
    }
    const endpoint = this.#revision.pick(except);
    if (endpoint !== null) {
      this.#dispatch(endpoint);
      return;
    }
    if (this.#revision.enqueue(this)) return;
    const given = { service: service.name };
    this.#label(null, "timeout");
    this.#fail(commonErrors.error("OVERLOADED", { given }));
  }

  // -- one attempt --------------------------------------------------------------------------

  #dispatch(endpoint: Endpoint): void {
    const { method } = this.#incoming;
    const attempt = new Attempt(this, this.#revision, endpoint);
    this.#attempts++;
    this.#attempt = attempt;
    const options: Dispatcher.DispatchOptions = {
      path: this.#admission.path,
      method,
      headers: upstreamHead(
        this.#core,
        this.#incoming,
        this.#admission,
        endpoint,
        this.#remainingMs(),
      ),
      // undici takes any async iterable; its types name Readable only.
      body: this.#body.payload() as Dispatcher.DispatchOptions["body"] & {},
      bodyTimeout: this.#admission.route.deadlineMs,
      blocking: false,
    };
    try {
      attempt.start(options);
    } catch (error) {
      this.#fail(toCoded(error));
    }
  }

  onHead(status: number, headers: IncomingHttpHeaders): void {
    const attempt = this.#attempt;
    if (this.#settled || attempt === null) return;
    this.#clearTimer();
    const extra = ["tideway-trace", this.#incoming.traceId, "tideway-revision", this.#revision.id];
    if (this.#admission.setCookie !== null) extra.push("set-cookie", this.#admission.setCookie);
    if (!this.#body.complete) this.#incoming.res.shouldKeepAlive = false;
    this.#failed = failedIn(headers);
    this.#violates = headers[VIOLATION_HEADER] !== undefined;
    this.#reply = new Reply(this.#incoming.res, attempt, status, headers, extra);
  }

  onData(chunk: Buffer): void {
    if (!this.#settled) this.#reply?.write(chunk);
  }

  onEnd(): void {
    const reply = this.#reply;
    if (this.#settled || reply === null) return;
    // Before settling: an invalid header of the instance's throws here and comes back as an error.
    reply.end();
    this.#settle();
    this.#label(reply.status, this.#isBad(reply.status) ? "5xx" : null);
    this.#log(reply.status, reply.bytes);
  }

  onError(error: Error, attempt: Attempt): void {
    if (this.#settled) return;
    const code: unknown = Reflect.get(error, "code");
    // The body outgrew its limit or broke off, or a header passed Node's parser but not undici's
    // checks: the caller's doing. It must not cost the instance its good name, or its place.
    if (error instanceof CodedError) {
      this.#fail(error);
      return;
    }
    if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") {
      this.#fail(gatewayErrors.error("REQUEST_MALFORMED", { cause: error }));
      return;
    }
    if (!attempt.sent) attempt.revision.markHealth(attempt.endpoint, false);
    const isTimeout = code === "UND_ERR_BODY_TIMEOUT";
    this.#label(this.#reply?.status ?? null, isTimeout ? "timeout" : "lost");
    if (this.#reply?.begun === true) {
      this.#breakOff();
    } else if (!isTimeout && this.#mayRetry(attempt)) {
      this.#reply = null;
      this.#startTimer();
      this.#retry(attempt);
    } else {
      this.#fail(attempt.sent ? this.#reset(error) : this.#unavailable(error));
    }
  }

  #mayRetry(attempt: Attempt): boolean {
    if (this.#attempts >= ATTEMPTS_MAX || !this.#body.replayable) return false;
    const { method } = this.#incoming;
    return !attempt.sent || method === "GET" || method === "HEAD";
  }

  /** Another endpoint of the revision; else the stable revision; else the same one again. */
  #retry(failed: Attempt): void {
    const { choice, service, path } = this.#admission;
    if (this.#revision.pick(failed.endpoint) !== null) {
      this.#acquire(failed.endpoint);
      return;
    }
    const stable = service.revisions.get(service.split.stable);
    const mayCross = this.#pin === null && choice.lane === "candidate";
    if (mayCross && stable !== undefined && stable.pick() !== null) {
      const bare = path.split("?", 1)[0] ?? path;
      const there = stable.router.find(this.#incoming.method, bare, "any").route;
      if (there !== null && there.auth === this.#admission.route.auth) this.#revision = stable;
    }
    this.#acquire(null);
  }

  // -- endings ------------------------------------------------------------------------------

  #expire(): void {
    if (this.#settled) return;
    const attempt = this.#attempt;
    const { deadlineMs } = this.#admission;
    if (this.#body.awaitsClient) {
      attempt?.cancel();
      this.#fail(gatewayErrors.error("REQUEST_SLOW"));
      return;
    }
    this.#label(null, "timeout");
    attempt?.cancel();
    this.#fail(commonErrors.error("DEADLINE_EXCEEDED", { given: { deadlineMs } }));
  }

  #clientClosed(): void {
    this.#reply?.stop();
    if (this.#settled) return;
    this.#settle();
    this.#attempt?.cancel();
    this.#log(STATUS_CLIENT_GONE, this.#reply?.bytes ?? 0);
  }

  #fail(error: CodedError): void {
    if (this.#settled) return;
    this.#settle();
    const { res, traceId } = this.#incoming;
    if (error.code === "INTERNAL") this.#core.logger.error("gateway.internal", errorFields(error));
    if (!this.#body.complete) res.shouldKeepAlive = false;
    const extra = ["tideway-revision", this.#revision.id];
    if (this.#admission.setCookie !== null) extra.push("set-cookie", this.#admission.setCookie);
    this.#log(error.definition.status, sendProblem(res, error, traceId, extra));
  }

  /** A part of the answer is out: all that is left is to show that it is not whole. */
  #breakOff(): void {
    this.#settle();
    this.#log(this.#reply?.status ?? null, this.#reply?.bytes ?? 0);
    this.#incoming.res.destroy();
  }

  #settle(): void {
    this.#settled = true;
    this.#clearTimer();
    this.#revision.leave(this);
    this.#body.abandon();
  }

  #label(status: number | null, reason: BadReason | null): void {
    if (this.#labelled) return;
    this.#labelled = true;
    const { service, choice, personKey, route, delivery } = this.#admission;
    const attempted = {
      choice,
      route: route.template,
      status,
      reason,
      traceId: this.#incoming.traceId,
      durationMs: this.#elapsedMs(),
    };
    const nowMs = this.#core.clock.now();
    if (delivery === null) {
      service.label({ ...attempted, personKey }, nowMs);
      return;
    }
    const outcomes = outcomesOf(delivery.keys, { status, failed: this.#failed });
    service.labelDelivery({ ...attempted, outcomes }, nowMs);
  }

  get #pin(): Pin | null {
    return this.#admission.delivery?.pin ?? null;
  }

  /** The answer to a delivery is 200 whatever became of its events: anything else tells nothing. */
  #isBad(status: number): boolean {
    const { delivery } = this.#admission;
    if (this.#violates) return true;
    const isDelivery = delivery !== null && delivery.keys.length > 0;
    return isDelivery ? status !== 200 : status >= 500;
  }

  #log(status: number | null, bytes: number): void {
    const { service, route, caller } = this.#admission;
    this.#core.accessLog.write({
      traceId: this.#incoming.traceId,
      service: service.name,
      revision: this.#revision.id,
      instance: this.#attempt?.endpoint.config.instance ?? null,
      route: route.template,
      status,
      durationMs: this.#elapsedMs(),
      bytes,
      caller: caller?.revision?.id ?? caller?.service ?? null,
    });
  }

  #startTimer(): void {
    this.#clearTimer();
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, this.#remainingMs()));
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #elapsedMs(): number {
    return this.#core.clock.monotonic() - this.#incoming.startedMs;
  }

  #remainingMs(): number {
    return this.#admission.deadlineMs - this.#elapsedMs();
  }

  #unavailable(cause?: Error): CodedError {
    const given = { service: this.#admission.service.name };
    return commonErrors.error("UPSTREAM_UNAVAILABLE", { given, cause });
  }

  #reset(cause: Error): CodedError {
    const given = { service: this.#admission.service.name };
    return commonErrors.error("UPSTREAM_RESET", { given, cause });
  }
}
