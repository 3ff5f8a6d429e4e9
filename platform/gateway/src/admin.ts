/** The gateway's own Unix socket, for control and the bus: the file's mode is the whole protection. */
import { commonErrors } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import { chmod, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { checkConfig } from "./config-check.ts";
import type { EvidencePage, GatewayConfig, GatewayState, SplitsPage } from "./config.ts";
import type { Core } from "./core.ts";
import { gatewayErrors } from "./errors.ts";
import { CONFIG_BYTES_MAX } from "./limits.ts";
import { metricsText } from "./metrics-text.ts";
import { sendProblem, toCoded } from "./problem.ts";

export interface AdminActions {
  /** Persists and applies; throws GATEWAY_EPOCH_STALE. */
  configure(config: GatewayConfig): Promise<void>;
  state(): GatewayState;
  splits(): SplitsPage;
  demand(after: number): Promise<number>;
  evidence(service: string, rollout: string, after: number): EvidencePage;
}

/** Listens on `path`, mode 0600. */
export async function startAdmin(path: string, core: Core, actions: AdminActions): Promise<Server> {
  // What a predecessor that was killed left behind. One that lives is the supervisor's to end first.
  await rm(path, { force: true });
  const server = createServer((req, res) => {
    answer(core, actions, req, res).catch((error: unknown) => {
      const coded = toCoded(error);
      if (coded.code === "INTERNAL") core.logger.error("gateway.admin", errorFields(error));
      sendProblem(res, coded, null);
    });
  });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o600);
  return server;
}

async function answer(
  core: Core,
  actions: AdminActions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const url = new URL(req.url ?? "/", "http://gateway");
  const { table } = core;
  switch (`${req.method} ${url.pathname}`) {
    case "PUT /config": {
      const config = checkConfig(await readJson(req));
      await actions.configure(config);
      sendJson(res, { epoch: config.epoch });
      return;
    }
    case "GET /state":
      sendJson(res, actions.state());
      return;
    case "GET /splits":
      sendJson(res, actions.splits());
      return;
    case "GET /demand":
      sendJson(res, { count: await actions.demand(afterOf(url)) });
      return;
    case "GET /evidence": {
      const after = afterOf(url);
      const service = url.searchParams.get("service") ?? "";
      const rollout = url.searchParams.get("rollout") ?? "";
      sendJson(res, actions.evidence(service, rollout, after));
      return;
    }
    case "GET /metrics":
      send(res, "text/plain; version=0.0.4", metricsText(table, core.accessLog.dropped));
      return;
    case "GET /health":
      if (!table.loaded) throw gatewayErrors.error("GATEWAY_NOT_CONFIGURED");
      sendJson(res, { status: "ok", epoch: table.epoch });
      return;
    default: {
      const given = { method: String(req.method), path: url.pathname };
      throw commonErrors.error("ROUTE_UNKNOWN", { given });
    }
  }
}

function afterOf(url: URL): number {
  const after = Number(url.searchParams.get("after") ?? "0");
  if (Number.isSafeInteger(after) && after >= 0) return after;
  const given = { path: "after", problem: "must be a whole number, 0 or more" };
  throw commonErrors.error("BODY_INVALID", { given });
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body: AsyncIterable<Buffer> = req;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > CONFIG_BYTES_MAX) {
      throw commonErrors.error("BODY_TOO_LARGE", { given: { limitBytes: CONFIG_BYTES_MAX } });
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch (cause) {
    throw commonErrors.error("BODY_MALFORMED", { cause });
  }
}

function sendJson(res: ServerResponse, value: unknown): void {
  send(res, "application/json", JSON.stringify(value));
}

function send(res: ServerResponse, contentType: string, text: string): void {
  const body = Buffer.from(text);
  res.writeHead(200, ["content-type", contentType, "content-length", String(body.length)]);
  res.end(body);
}
