/** A gateway on free ports with its files in a temporary folder, and builders for configurations. */
import { createLogger } from "@tideway/telemetry";
import type { ManifestRoute } from "@tideway/schema";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import type { Agent, IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Endpoint, GatewayConfig, RevisionConfig, ServiceConfig } from "../config.ts";
import { startGateway } from "../gateway.ts";
import type { Gateway, GatewayOptions } from "../gateway.ts";
import { startUpstream } from "./upstream.ts";
import type { Upstream, UpstreamOptions } from "./upstream.ts";

export const ISSUER = "tideway-identity";

export interface Fixture {
  readonly gateway: Gateway;
  readonly folder: string;
  readonly options: GatewayOptions;
  upstream(options: UpstreamOptions): Promise<Upstream>;
  /** Applies a configuration with the next epoch. */
  configure(services: readonly ServiceConfig[], rest?: Partial<GatewayConfig>): Promise<void>;
  send(path: string, options?: SendOptions): Promise<Reply>;
  /** Through the internal listener. */
  call(path: string, options?: SendOptions): Promise<Reply>;
  restart(): Promise<Gateway>;
  close(): Promise<void>;
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export async function startFixture(extra: Partial<GatewayOptions> = {}): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), "tideway-gateway-"));
  const upstreams: Upstream[] = [];
  const quiet = new Writable({ write: (_, __, done) => done() });
  const options: GatewayOptions = {
    publicListen: "tcp:127.0.0.1:0",
    internalListen: "tcp:127.0.0.1:0",
    adminSocket: join(folder, "gateway.sock"),
    configFile: join(folder, "gateway", "config.json"),
    accessLog: join(folder, "access.log"),
    publicUrl: "http://localhost:8080",
    drainMs: 2_000,
    logger: createLogger({ service: "gateway", destination: quiet }),
    ...extra,
  };
  let gateway = await startGateway(options);
  let epoch = 0;
  return {
    get gateway() {
      return gateway;
    },
    folder,
    options,
    upstream: async (wanted) => {
      const upstream = await startUpstream(wanted);
      upstreams.push(upstream);
      return upstream;
    },
    configure: async (services, rest = {}) => {
      epoch++;
      await gateway.configure(configOf(services, { epoch, ...rest }));
    },
    send: (path, wanted) => send(gateway.publicPort, path, wanted),
    call: (path, wanted) => send(gateway.internalPort, path, wanted),
    restart: async () => {
      await gateway.close();
      gateway = await startGateway(options);
      return gateway;
    },
    close: async () => {
      await gateway.close();
      for (const upstream of upstreams) await upstream.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function configOf(
  services: readonly ServiceConfig[],
  rest: Partial<GatewayConfig> = {},
): GatewayConfig {
  return {
    epoch: 1,
    services,
    apps: [],
    tokens: { service: "identity", path: "/keys", issuer: ISSUER },
    ...rest,
  };
}

export function route(text: string, extra: Partial<ManifestRoute> = {}): ManifestRoute {
  const [method = "GET", path = "/"] = text.split(" ");
  return {
    name: text.replaceAll(/[^A-Za-z]/g, ""),
    method,
    path,
    auth: "public",
    exposure: "public",
    idempotent: false,
    deadlineMs: 5_000,
    bodyBytesMax: 1_048_576,
    ...extra,
  };
}

export function revision(
  id: string,
  routes: readonly ManifestRoute[],
  endpoints: readonly (Upstream | Endpoint)[],
  extra: Partial<RevisionConfig> = {},
): RevisionConfig {
  return {
    id,
    routes,
    calls: [],
    grants: [],
    endpoints: endpoints.map((one) => ("endpoint" in one ? one.endpoint : one)),
    ...extra,
  };
}

/** The first revision is the stable one, a second one the candidate. */
export function service(
  name: string,
  revisions: readonly RevisionConfig[],
  weight = 0,
  extra: Partial<ServiceConfig> = {},
): ServiceConfig {
  const [stable, candidate] = revisions;
  return {
    name,
    enforcesGrants: false,
    split: {
      stable: stable?.id ?? "none",
      candidate: candidate?.id ?? null,
      weight,
      rollout: candidate === undefined ? null : "rol_1",
    },
    revisions,
    ...extra,
  };
}

export function send(port: number, path: string, options: SendOptions = {}): Promise<Reply> {
  const { method = "GET", headers = {}, body, agent } = options;
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const all = "transfer-encoding" in headers ? headers : { ...length, ...headers };
    const req = request(
      { host: "127.0.0.1", port, path, method, headers: all, agent: agent ?? false },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const isJson = String(res.headers["content-type"]).includes("json");
          const json: Record<string, unknown> = isJson ? Object(JSON.parse(text || "{}")) : {};
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json });
        });
      },
    );
    req.on("error", reject);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined) {
      req.setTimeout(timeoutMs, () => req.destroy(new Error(`No answer within ${timeoutMs} ms.`)));
    }
    req.end(body);
  });
}
