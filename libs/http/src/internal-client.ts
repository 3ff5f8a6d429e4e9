/**
 * Calls to other services: through the gateway's internal listener, with this instance's secret,
 * the person's token, the trace and the time that is left. What may be tried again is, within the
 * deadline: every route that moves money is idempotent by an id or key that the caller chose.
 */
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf, FetchLike } from "@tideway/client";
import { backoffMs, sleep } from "@tideway/kernel";
import { DEADLINE_MS_DEFAULT } from "@tideway/schema";
import type { Api } from "@tideway/schema";
import { childOf, currentTrace, formatTraceparent, newTrace } from "@tideway/telemetry";
import { INSTANCE_HEADER } from "@tideway/trust";
import { Agent, request } from "undici";
import type { ServiceConfig } from "./config.ts";
import { currentRequest } from "./context.ts";

const ATTEMPTS_MAX = 4;
const RETRY_STATUSES = new Set([502, 503]);
/** Below this there is no point in another try. */
const TIME_LEFT_MIN_MS = 50;

const agent = new Agent({
  connections: 128,
  pipelining: 1,
  keepAliveTimeout: 10_000,
  connectTimeout: 5_000,
});

type CallerConfig = Pick<ServiceConfig, "internalUrl" | "instance" | "instanceSecret">;

/**
 * A typed client of another service's api.
 *
 * @example const ledger = createInternalClient(ledgerApi, config);
 */
export function createInternalClient<A extends Api>(api: A, config: CallerConfig): ClientOf<A> {
  return createClient(api, {
    baseUrl: `${config.internalUrl}/api/${api.name}`,
    token: () => currentRequest()?.token ?? null,
    headers: () => ({ [INSTANCE_HEADER]: `${config.instance}:${config.instanceSecret}` }),
    fetch: fetchWithRetries,
  });
}

/**
 * Tries again on a lost connection and on 502 and 503, with jitter, while time is left. A call whose
 * time is over is not sent: whoever waited for it was told so and may have sent it again.
 */
const fetchWithRetries: FetchLike = async (url, init) => {
  const endsAtMs = currentRequest()?.deadlineAtMs ?? performance.now() + DEADLINE_MS_DEFAULT;
  for (let attempt = 1; ; attempt++) {
    const leftMs = endsAtMs - performance.now();
    if (leftMs <= 0) throw new Error("The time was over before the call could be sent.");
    const waitMs = backoffMs(attempt, { baseMs: 40, maxMs: 500 });
    const mayRetry = (): boolean =>
      attempt < ATTEMPTS_MAX && endsAtMs - performance.now() - waitMs >= TIME_LEFT_MIN_MS;
    try {
      const response = await once(url, init, leftMs);
      if (!RETRY_STATUSES.has(response.status) || !mayRetry()) return response;
    } catch (error) {
      if (init.signal?.aborted || isClientError(error) || !mayRetry()) throw error;
    }
    await sleep(waitMs, init.signal ?? undefined);
  }
};

async function once(url: string, init: RequestInit, leftMs: number): Promise<Response> {
  const trace = childOf(currentTrace() ?? newTrace());
  const headers = {
    // createClient always passes a plain record.
    ...(init.headers as Record<string, string>),
    traceparent: formatTraceparent(trace),
    "tideway-deadline": String(Math.ceil(leftMs)),
  };
  const signals = [AbortSignal.timeout(Math.ceil(leftMs))];
  if (init.signal) signals.push(init.signal);
  const answer = await request(url, {
    dispatcher: agent,
    // createClient only passes the methods of an api.
    method: (init.method ?? "GET") as "GET",
    headers,
    body: typeof init.body === "string" ? init.body : null,
    signal: AbortSignal.any(signals),
  });
  const text = await answer.body.text();
  const replyHeaders: Record<string, string> = {};
  for (const name of ["content-type", "tideway-trace", "tideway-revision"]) {
    const value = answer.headers[name];
    if (typeof value === "string") replyHeaders[name] = value;
  }
  return new Response(text, { status: answer.statusCode, headers: replyHeaders });
}
