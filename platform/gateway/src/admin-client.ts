/** How control and the bus talk to the gateway. */
import { CodedError, commonErrors } from "@tideway/kernel";
import { Agent, request } from "node:http";
import type { EvidencePage, GatewayConfig, GatewayState, SplitsPage } from "./config.ts";
import { DEMAND_WAIT_MS } from "./limits.ts";
import { gatewayErrors } from "./errors.ts";

export interface EvidenceQuery {
  readonly service: string;
  readonly rollout: string;
  /** `next` of the page before; 0 at first and after the boot id changed. */
  readonly after: number;
}

export interface GatewayAdmin {
  /** Resolves once the configuration is on disk and in force. Rejects with GATEWAY_EPOCH_STALE. */
  putConfig(config: GatewayConfig): Promise<{ epoch: number }>;
  state(): Promise<GatewayState>;
  /** How each service's traffic is divided now, and since which configuration. */
  splits(): Promise<SplitsPage>;
  /**
   * Resolves when a request begins to wait for a revision that has no instance, or after 10 s. Pass
   * the count of the answer before, 0 at first.
   */
  demand(after: number, signal?: AbortSignal): Promise<{ count: number }>;
  /** Rejects with GATEWAY_EVIDENCE_UNKNOWN before the rollout's configuration was applied. */
  evidence(query: EvidenceQuery): Promise<EvidencePage>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Drops kept connections. */
  close(): void;
}

export interface GatewayAdminOptions {
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 64 * 1_048_576;

/**
 * A client of the gateway's Unix socket. Every call rejects with a coded error; UPSTREAM_UNAVAILABLE
 * when the gateway does not answer within 5 s or is not there.
 *
 * @example await gatewayAdmin("/srv/tideway/run/gateway.sock").putConfig(config);
 */
export function gatewayAdmin(socketPath: string, options: GatewayAdminOptions = {}): GatewayAdmin {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const call = (method: string, path: string, body?: string): Promise<string> =>
    exchange({ agent, socketPath, signal: AbortSignal.timeout(timeoutMs), method, path, body });
  return {
    // The answers come from our own server over a socket nobody else can open.
    putConfig: async (config) => {
      const text = await call("PUT", "/config", JSON.stringify(config));
      return JSON.parse(text) as { epoch: number };
    },
    state: async () => JSON.parse(await call("GET", "/state")) as GatewayState,
    splits: async () => JSON.parse(await call("GET", "/splits")) as SplitsPage,
    demand: async (after, signal) => {
      const limit = AbortSignal.timeout(DEMAND_WAIT_MS + timeoutMs);
      const text = await exchange({
        agent,
        socketPath,
        method: "GET",
        path: `/demand?after=${after}`,
        body: undefined,
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      });
      return JSON.parse(text) as { count: number };
    },
    evidence: async ({ service, rollout, after }) => {
      const query = new URLSearchParams({ service, rollout, after: String(after) });
      return JSON.parse(await call("GET", `/evidence?${query.toString()}`)) as EvidencePage;
    },
    metrics: () => call("GET", "/metrics"),
    close: () => agent.destroy(),
  };
}

interface Call {
  readonly agent: Agent;
  readonly socketPath: string;
  readonly signal: AbortSignal;
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

function exchange(call: Call): Promise<string> {
  const { agent, socketPath, method, path, body } = call;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const given = { service: "The gateway" };
      reject(commonErrors.error("UPSTREAM_UNAVAILABLE", { given, cause }));
    };
    const { signal } = call;
    const headers =
      body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const req = request({ agent, socketPath, method, path, headers, signal }, (res) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      res.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) req.destroy(new Error("The gateway's answer is too large."));
        chunks.push(chunk);
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

/** The error the gateway answered with, with its code and what was given. */
function codedFrom(text: string, status: number): Error {
  let problem: Record<string, unknown>;
  try {
    problem = Object(JSON.parse(text));
  } catch (cause) {
    return commonErrors.error("INTERNAL", { cause });
  }
  const code = String(problem["code"]);
  const known = { ...commonErrors.definitions, ...gatewayErrors.definitions };
  const definition = Object.entries(known).find(([name]) => name === code)?.[1];
  if (definition === undefined) {
    return commonErrors.error("INTERNAL", { cause: new Error(`Status ${status}: ${text}`) });
  }
  const given = Object.fromEntries(
    Object.entries(Object(problem["given"])).map(([name, value]) => [name, String(value)]),
  );
  return new CodedError(code, definition, { given });
}
