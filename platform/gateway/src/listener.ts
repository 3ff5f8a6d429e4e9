/** An HTTP/1.1 server with bounds, on an inherited descriptor or an address. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import type { Socket } from "node:net";
import type { CodedError } from "@tideway/kernel";
import { gatewayErrors } from "./errors.ts";
import type { Handle } from "./handler.ts";
import {
  CLIENT_HEADERS_MS,
  CLIENT_KEEP_ALIVE_MS,
  CLIENT_REQUEST_MS,
  CONNECTIONS_MAX,
  HEADER_BYTES_MAX,
  LINGER_MS,
} from "./limits.ts";
import { problemOf, sendProblem } from "./problem.ts";

export interface HttpListener {
  /** The port it listens on. */
  readonly port: number;
  /**
   * Stops accepting, lets requests in flight finish for at most `graceMs`, then cuts what is left.
   * Connections that are waiting in a socket the supervisor holds stay there for the successor.
   */
  drain(graceMs: number): Promise<void>;
}

export type ListenAt = { readonly fd: number } | { readonly host: string; readonly port: number };

const SERVER_OPTIONS = {
  maxHeaderSize: HEADER_BYTES_MAX,
  insecureHTTPParser: false,
  keepAliveTimeout: CLIENT_KEEP_ALIVE_MS,
  headersTimeout: CLIENT_HEADERS_MS,
  requestTimeout: CLIENT_REQUEST_MS,
  connectionsCheckingInterval: 2_000,
  noDelay: true,
  // Missing hosts are refused by the handler, with a code.
  requireHostHeader: false,
} as const;

/** Reads `fd:N` or `tcp:HOST:PORT`. Throws when it is neither. */
export function parseListenAt(text: string): ListenAt {
  const fd = /^fd:(\d{1,4})$/.exec(text)?.[1];
  if (fd !== undefined) return { fd: Number(fd) };
  const match = /^tcp:\[?([A-Za-z0-9.:-]+?)\]?:(\d{1,5})$/.exec(text);
  const [, host, port] = match ?? [];
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new Error(`${text} is no listen address: use fd:N or tcp:HOST:PORT.`);
}

export interface TlsOptions {
  /** PEM. */
  readonly cert: Buffer;
  readonly key: Buffer;
}

export async function readTls(files: {
  readonly certFile: string;
  readonly keyFile: string;
}): Promise<TlsOptions> {
  const [cert, key] = await Promise.all([readFile(files.certFile), readFile(files.keyFile)]);
  return { cert, key };
}

export async function startListener(
  at: ListenAt,
  handle: Handle,
  tls: TlsOptions | null = null,
): Promise<HttpListener> {
  let isDraining = false;
  let requests = 0;
  const latest = new WeakMap<Socket, ServerResponse>();
  const counted: Handle = (req, res, mustContinue) => {
    requests++;
    res.once("close", () => requests--);
    if (isDraining) res.shouldKeepAlive = false;
    inTurn(latest, req, res, () => handle(req, res, mustContinue));
  };
  const listener = (req: IncomingMessage, res: ServerResponse): void => counted(req, res, false);
  const server =
    tls === null
      ? createServer(SERVER_OPTIONS, listener)
      : createTlsServer({ ...SERVER_OPTIONS, ...tls, minVersion: "TLSv1.2" }, listener);
  server.maxConnections = CONNECTIONS_MAX;
  server.on("checkContinue", (req, res) => counted(req, res, true));
  server.on("checkExpectation", (req, res) => {
    const given = { given: String(req.headers.expect).slice(0, 100) };
    sendProblem(res, gatewayErrors.error("EXPECTATION_UNSUPPORTED", { given }), null);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    refuseMalformed(error, socket);
  });
  // Without an answer of its own a CONNECT would be cut without a word.
  server.on("connect", (_, socket: Socket) => {
    socket.end(rawProblem(gatewayErrors.error("UPGRADE_UNSUPPORTED")));
  });
  const port = await listen(server, at);
  return {
    port,
    drain: async (graceMs) => {
      isDraining = true;
      await drain(server, graceMs, () => requests);
    },
  };
}

/**
 * Node hands over pipelined requests as they are parsed, all at once. They are taken one after the
 * other here, as RFC 9112 section 9.3.2 wants it for any but safe methods, and as a bound: one
 * connection has one request under way.
 */
function inTurn(
  latest: WeakMap<Socket, ServerResponse>,
  req: IncomingMessage,
  res: ServerResponse,
  go: () => void,
): void {
  const before = latest.get(req.socket);
  latest.set(req.socket, res);
  if (before === undefined || before.destroyed) {
    go();
    return;
  }
  before.once("close", () => {
    if (before.shouldKeepAlive && !req.socket.destroyed) go();
  });
}

function listen(server: Server, at: ListenAt): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...at, backlog: 1_024 }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/**
 * Closing an http.Server drops idle connections at once, while a request may already be on its
 * way over one. So only the accepting socket is closed first; who still sends gets an answer with
 * `connection: close`, and the idle ones are dropped a moment later.
 */
async function drain(server: Server, graceMs: number, requests: () => number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve());
  });
  const sweep = setInterval(() => {
    if (requests() === 0) server.closeIdleConnections();
  }, LINGER_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
  // Ends the interval that checks for slow clients.
  server.close();
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  socket.end(rawProblem(codedOf(error)));
}

function codedOf(error: NodeJS.ErrnoException): CodedError {
  if (error.code === "HPE_HEADER_OVERFLOW") {
    return gatewayErrors.error("HEADERS_TOO_LARGE", { given: { limitBytes: HEADER_BYTES_MAX } });
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return gatewayErrors.error("REQUEST_SLOW");
  return gatewayErrors.error("REQUEST_MALFORMED", { cause: error });
}

/** For connections that have no response object: nothing on them can be trusted any more. */
function rawProblem(error: CodedError): string {
  const body = JSON.stringify(problemOf(error, null));
  return (
    `HTTP/1.1 ${error.definition.status} Refused\r\ncontent-type: application/problem+json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
