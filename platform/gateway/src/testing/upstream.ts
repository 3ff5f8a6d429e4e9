/** A small instance on loopback for the gateway's tests. */
import {
  assertionKeyOf,
  assertionSecret,
  authHashOf,
  newInstanceSecret,
  verifyAssertion,
} from "@tideway/trust";
import type { Assertion } from "@tideway/trust";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Endpoint } from "../config.ts";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly assertion: Assertion;
}

export type Respond = (received: Received, res: ServerResponse, req: IncomingMessage) => void;

export interface Upstream {
  readonly endpoint: Endpoint;
  readonly secret: string;
  readonly received: Received[];
  respond: Respond;
  /** What /ready answers. */
  ready: number;
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly service: string;
  readonly instance: string;
  readonly respond?: Respond;
  readonly port?: number;
  /** That of an instance started before, to stand in for it. */
  readonly secret?: string;
  /** Answers before the body was read. */
  readonly early?: boolean;
}

export const answerJson: Respond = ({ method, url, body }, res) => {
  res.setHeader("content-type", "application/json");
  res.end(JSON.stringify({ method, url, body }));
};

/** Checks every request's assertion, as a real instance does. */
export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const secret = options.secret ?? newInstanceSecret();
  const received: Received[] = [];
  const upstream = { respond: options.respond ?? answerJson, ready: 200 };
  const server = createServer((req, res) => {
    const { method = "", url = "" } = req;
    if (url === "/ready") {
      res.writeHead(upstream.ready);
      res.end();
      return;
    }
    const chunks: Buffer[] = [];
    const go = (): void => {
      const entry = {
        method,
        url,
        headers: req.headers,
        body: Buffer.concat(chunks).toString("utf8"),
        assertion: verifyAssertion(String(req.headers["tideway-assertion"]), {
          key: assertionSecret(assertionKeyOf(secret)),
          audience: options.service,
          method,
          path: url,
          nowMs: Date.now(),
        }),
      };
      received.push(entry);
      upstream.respond(entry, res, req);
    };
    if (options.early === true) {
      go();
      return;
    }
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", go);
    req.on("error", () => undefined);
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: {
      instance: options.instance,
      url: `http://127.0.0.1:${port}`,
      authHash: authHashOf(secret),
      assertionKey: assertionKeyOf(secret),
    },
    secret,
    received,
    get respond() {
      return upstream.respond;
    },
    set respond(respond) {
      upstream.respond = respond;
    },
    get ready() {
      return upstream.ready;
    },
    set ready(status) {
      upstream.ready = status;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
