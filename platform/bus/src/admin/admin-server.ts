/** The bus's own Unix socket, for control alone: the file's mode is the whole protection. */
import { CodedError, commonErrors } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { chmod, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { badQuery } from "./actions.ts";
import type { BusActions } from "./actions.ts";
import { checkConfig, checkRedrive, checkReplay } from "./bodies.ts";

export interface AdminParts {
  readonly actions: BusActions;
  readonly metricsText: () => Promise<string>;
  readonly logger: Logger;
}

const BODY_BYTES_MAX = 16 * 1_048_576;
const PAGE_MAX = 200;
const PAGE_DEFAULT = 50;

/** Listens on `path`, mode 0600. */
export async function startAdmin(path: string, parts: AdminParts): Promise<Server> {
  // What a predecessor that was killed left behind; one that lives was waited for by its lease.
  await rm(path, { force: true });
  const server = createServer((req, res) => {
    answer(parts, req, res).catch((error: unknown) => {
      const coded = error instanceof CodedError ? error : commonErrors.error("INTERNAL");
      if (coded.code === "INTERNAL") parts.logger.error("bus.admin", errorFields(error));
      sendProblem(res, coded);
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
  { actions, metricsText }: AdminParts,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const url = new URL(req.url ?? "/", "http://bus");
  const query = url.searchParams;
  switch (`${req.method} ${url.pathname}`) {
    case "PUT /config": {
      const config = checkConfig(await readJson(req));
      await actions.configure(config);
      return sendJson(res, { epoch: config.epoch });
    }
    case "GET /health":
      return sendJson(res, actions.health());
    case "GET /metrics":
      return send(res, "text/plain; version=0.0.4", await metricsText());
    case "GET /groups":
      return sendJson(res, { groups: await actions.countedGroups() });
    case "GET /events":
      return sendJson(
        res,
        await actions.events({
          type: query.get("type"),
          key: query.get("key"),
          after: query.get("after"),
          limit: limitOf(query),
        }),
      );
    default:
      return answerGroup(actions, req, res, url);
  }
}

async function answerGroup(
  actions: BusActions,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const [, group, what] = /^\/groups\/([a-z0-9-]{1,40})\/([a-z]+)$/.exec(url.pathname) ?? [];
  if (group !== undefined) {
    switch (`${req.method} ${what}`) {
      case "GET keys": {
        const state = stateOf(url.searchParams);
        const after = url.searchParams.get("after") ?? "";
        const limit = limitOf(url.searchParams);
        return sendJson(res, await actions.keys(group, { state, after, limit }));
      }
      case "POST redrive": {
        const { key } = checkRedrive(await readJson(req));
        return sendJson(res, { keys: await actions.redrive(group, key ?? null) });
      }
      case "POST replay":
        return sendJson(res, {
          replay: await actions.replay(group, checkReplay(await readJson(req))),
        });
      default:
    }
  }
  const given = { method: String(req.method), path: url.pathname };
  throw commonErrors.error("ROUTE_UNKNOWN", { given });
}

function stateOf(query: URLSearchParams): "retrying" | "quarantined" | null {
  const state = query.get("state");
  if (state === null || state === "retrying" || state === "quarantined") return state;
  throw badQuery("state", "must be retrying or quarantined");
}

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get("limit") ?? PAGE_DEFAULT);
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= PAGE_MAX) return limit;
  throw badQuery("limit", `must be a whole number from 1 to ${PAGE_MAX}`);
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body: AsyncIterable<Buffer> = req;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw commonErrors.error("BODY_TOO_LARGE", { given: { limitBytes: BODY_BYTES_MAX } });
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch (cause) {
    throw commonErrors.error("BODY_MALFORMED", { cause });
  }
}

function sendProblem(res: ServerResponse, error: CodedError): void {
  if (res.headersSent) return;
  const { status, retryable } = error.definition;
  const problem = {
    type: `urn:tideway:error:${error.code}`,
    title: error.message,
    status,
    code: error.code,
    action: error.action,
    retryable,
    given: error.given,
  };
  const body = Buffer.from(JSON.stringify(problem));
  res.writeHead(status, {
    "content-type": "application/problem+json",
    "content-length": body.length,
  });
  res.end(body);
}

function sendJson(res: ServerResponse, value: unknown): void {
  send(res, "application/json", JSON.stringify(value));
}

function send(res: ServerResponse, contentType: string, text: string): void {
  const body = Buffer.from(text);
  res.writeHead(200, { "content-type": contentType, "content-length": body.length });
  res.end(body);
}
