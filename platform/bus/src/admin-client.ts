/** How control talks to the bus. */
import { CodedError, commonErrors } from "@tideway/kernel";
import { Agent, request } from "node:http";
import type {
  BusConfig,
  BusHealth,
  GroupView,
  KeyView,
  LoggedEvent,
  ReplayRequest,
} from "./config.ts";
import { busErrors } from "./errors.ts";

export interface BusPage<T> {
  readonly items: readonly T[];
  /** Pass it as `after`; null at the end. */
  readonly next: string | null;
}

export interface BusKeysQuery {
  readonly state?: "retrying" | "quarantined";
  readonly after?: string;
  readonly limit?: number;
}

export interface BusEventsQuery {
  readonly type?: string;
  readonly key?: string;
  readonly after?: string;
  readonly limit?: number;
}

export interface BusAdmin {
  /** Resolves once it is kept and in force. Rejects with BUS_EPOCH_STALE. */
  putConfig(config: BusConfig): Promise<{ epoch: number }>;
  /** Rejects with BUS_NOT_CONFIGURED before the first configuration. */
  health(): Promise<BusHealth>;
  groups(): Promise<readonly GroupView[]>;
  keys(group: string, query?: BusKeysQuery): Promise<BusPage<KeyView>>;
  /** All quarantined keys of the group, or one. Rejects with KEY_UNKNOWN. */
  redrive(group: string, key?: string): Promise<{ keys: number }>;
  /** Rejects with EVENT_NOT_IN_LOG. */
  replay(group: string, request: ReplayRequest): Promise<{ replay: number }>;
  events(query?: BusEventsQuery): Promise<BusPage<LoggedEvent>>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Drops kept connections. */
  close(): void;
}

export interface BusAdminOptions {
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1_048_576;

/**
 * A client of the bus's Unix socket. Every call rejects with a coded error; UPSTREAM_UNAVAILABLE
 * when the bus does not answer within 10 s or is not there.
 *
 * @example await busAdmin("/srv/tideway/run/bus.sock").putConfig(config);
 */
export function busAdmin(socketPath: string, options: BusAdminOptions = {}): BusAdmin {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const call = (method: string, path: string, body?: unknown): Promise<string> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return exchange({ agent, socketPath, timeoutMs, method, path, body: text });
  };
  const of = (group: string): string => `/groups/${encodeURIComponent(group)}`;
  return {
    // The answers come from our own server over a socket nobody else can open.
    putConfig: async (config) => JSON.parse(await call("PUT", "/config", config)),
    health: async () => JSON.parse(await call("GET", "/health")),
    groups: async () => {
      const { groups } = JSON.parse(await call("GET", "/groups")) as { groups: GroupView[] };
      return groups;
    },
    keys: async (group, query = {}) =>
      JSON.parse(await call("GET", `${of(group)}/keys${queryOf({ ...query })}`)),
    redrive: async (group, key) =>
      JSON.parse(await call("POST", `${of(group)}/redrive`, key === undefined ? {} : { key })),
    replay: async (group, wanted) => JSON.parse(await call("POST", `${of(group)}/replay`, wanted)),
    events: async (query = {}) => JSON.parse(await call("GET", `/events${queryOf({ ...query })}`)),
    metrics: () => call("GET", "/metrics"),
    close: () => agent.destroy(),
  };
}

function queryOf(values: Readonly<Record<string, string | number>>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) pairs.set(name, String(value));
  return pairs.size === 0 ? "" : `?${pairs.toString()}`;
}

interface Call {
  readonly agent: Agent;
  readonly socketPath: string;
  readonly timeoutMs: number;
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

function exchange(call: Call): Promise<string> {
  const { agent, socketPath, method, path, body } = call;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const given = { service: "The bus" };
      reject(commonErrors.error("UPSTREAM_UNAVAILABLE", { given, cause }));
    };
    const signal = AbortSignal.timeout(call.timeoutMs);
    const headers =
      body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const req = request({ agent, socketPath, method, path, headers, signal }, (res) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      res.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) req.destroy(new Error("The answer is larger than 64 MiB."));
        else chunks.push(chunk);
      });
      res.on("error", fail);
      res.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (res.statusCode === 200) resolve(text);
        else reject(codedFrom(text, res.statusCode ?? 0));
      });
    });
    req.on("error", fail);
    req.end(body);
  });
}

/** The error the bus answered with, with its code and what was given. */
function codedFrom(text: string, status: number): Error {
  let problem: Record<string, unknown>;
  try {
    problem = Object(JSON.parse(text));
  } catch (cause) {
    return commonErrors.error("INTERNAL", { cause });
  }
  const known = { ...commonErrors.definitions, ...busErrors.definitions };
  const code = String(problem["code"]);
  const definition = Object.entries(known).find(([name]) => name === code)?.[1];
  if (definition === undefined) {
    return commonErrors.error("INTERNAL", { cause: new Error(`Status ${status}: ${text}`) });
  }
  const given = Object.fromEntries(
    Object.entries(Object(problem["given"])).map(([name, value]) => [name, String(value)]),
  );
  return new CodedError(code, definition, { given });
}
