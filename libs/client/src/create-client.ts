/** A typed client made from an api: one function a route, the same for browsers, services and tools. */
import type { Api, BodyOf, ParamsOf, QueryOf, ReplyOf, RouteApi } from "@tideway/schema";
import { ClientError, errorOf, unreachable } from "./client-error.ts";
import { noteRequest, trackReply } from "./recorder.ts";
import type { ExpectationRecorder } from "./recorder.ts";

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Where the routes stand: `/api/payments`, or `http://127.0.0.1:8082/api/ledger`. */
  readonly baseUrl: string;
  /** The person's access token for authorization: Bearer. */
  readonly token?: () => string | null | Promise<string | null>;
  readonly headers?: () => Readonly<Record<string, string>>;
  readonly fetch?: FetchLike;
  /** Notes what the caller sends and reads, for those calls that it takes. */
  readonly recorder?: ExpectationRecorder;
}

type Field<K extends string, V> = [V] extends [undefined]
  ? { readonly [P in K]?: undefined }
  : { readonly [P in K]: V };
type QueryField<V> = [V] extends [undefined]
  ? { readonly query?: undefined }
  : { readonly query?: V };

export type CallOptions<R extends RouteApi> = Field<"params", ParamsOf<R>> &
  Field<"body", BodyOf<R>> &
  QueryField<QueryOf<R>> & {
    readonly idempotencyKey?: string;
    readonly signal?: AbortSignal;
    readonly headers?: Readonly<Record<string, string>>;
    /** Another person's token for this call only. */
    readonly token?: string | null;
  };

type NeedsOptions<R extends RouteApi> =
  undefined extends ParamsOf<R> ? (undefined extends BodyOf<R> ? false : true) : true;

export type Call<R extends RouteApi> =
  NeedsOptions<R> extends true
    ? (options: CallOptions<R>) => Promise<ReplyOf<R>>
    : (options?: CallOptions<R>) => Promise<ReplyOf<R>>;

export type ClientOf<A extends Api> = { readonly [K in keyof A["routes"]]: Call<A["routes"][K]> };

interface AnyCallOptions {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | null;
}

/**
 * Makes the client. Each call answers the reply or throws a `ClientError`; an aborted `signal`
 * throws its own reason.
 *
 * @example
 * const payments = createClient(paymentsApi, { baseUrl: "/api/payments", token: () => token });
 * const invoice = await payments.invoice({ params: { invoiceId } });
 */
export function createClient<A extends Api>(api: A, options: ClientOptions): ClientOf<A> {
  const calls: Record<string, (call?: AnyCallOptions) => Promise<unknown>> = {};
  for (const [name, route] of Object.entries(api.routes)) {
    calls[name] = (call) => sendRecorded(api.name, route, options, call ?? {});
  }
  // The loop above makes exactly the functions that the mapped type promises.
  return calls as ClientOf<A>;
}

async function sendRecorded(
  provider: string,
  route: RouteApi,
  options: ClientOptions,
  call: AnyCallOptions,
): Promise<unknown> {
  const { recorder } = options;
  if (recorder === undefined || !recorder.takes()) return send(route, options, call);
  noteRequest({ provider, route, recorder }, call);
  return trackReply({ provider, route, recorder }, await send(route, options, call));
}

async function send(
  route: RouteApi,
  options: ClientOptions,
  call: AnyCallOptions,
): Promise<unknown> {
  const url = options.baseUrl + pathOf(route.path, call.params) + queryOf(call.query);
  const headers: Record<string, string> = { ...options.headers?.(), ...call.headers };
  const token = call.token === undefined ? await options.token?.() : call.token;
  if (token) headers["authorization"] = `Bearer ${token}`;
  if (call.idempotencyKey !== undefined) headers["idempotency-key"] = call.idempotencyKey;
  const init: RequestInit = { method: route.method, headers, credentials: "same-origin" };
  if (call.signal !== undefined) init.signal = call.signal;
  if (call.body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(call.body);
  }
  const response = await reach(url, init, options.fetch ?? fetch, call.signal);
  if (!response.ok) throw await whole(errorOf(response), call.signal);
  return whole(response.json(), call.signal);
}

/** What is read of an answer. One that breaks off in its middle, error or not, is no answer. */
async function whole<T>(reading: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(error);
  }
}

async function reach(
  url: string,
  init: RequestInit,
  fetchLike: FetchLike,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetchLike(url, init);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof ClientError) throw error;
    throw unreachable(error);
  }
}

function pathOf(template: string, params: AnyCallOptions["params"]): string {
  return template.replace(/:([a-zA-Z]+)/g, (_, name: string) => {
    const value = params?.[name];
    if (value === undefined) throw new TypeError(`The path needs the parameter ${name}.`);
    return encodeURIComponent(String(value));
  });
}

function queryOf(query: AnyCallOptions["query"]): string {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return "";
  const pairs = entries.map(([key, value]): [string, string] => [key, String(value)]);
  return `?${new URLSearchParams(pairs).toString()}`;
}
