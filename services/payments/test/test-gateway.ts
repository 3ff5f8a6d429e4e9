/**
 * A small gateway for tests: it recognises the calling instance, verifies the person's token
 * against identity's keys and hands the call to the real service with a signed assertion, as the
 * real one does. What it can do besides is break: refuse calls, or lose answers on the way back.
 */
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { TOKEN_ISSUER } from "@tideway/api-identity";
import type { FetchLike } from "@tideway/client";
import { commonErrors, present } from "@tideway/kernel";
import { toManifest } from "@tideway/schema";
import type { TestCaller } from "@tideway/testkit";
import declaration from "../service.ts";

export interface Call {
  readonly service: string;
  readonly method: string;
  /** Below /api/<service>, without the query. */
  readonly path: string;
}

/** `refuse`: 503 before anything happened. `lose-answer`: it happens, and nobody hears of it. */
export type Fault = "none" | "refuse" | "lose-answer";

export interface Callee {
  fetchAs(caller: TestCaller): FetchLike;
}

export interface TestGateway {
  readonly url: string;
  readonly callees: Map<string, Callee>;
  /** `<instance>:<secret>` of the instances of payments that may call. */
  readonly callers: Set<string>;
  /** Calls seen, refused ones included. */
  readonly calls: Call[];
  /** Decides about each call; may wait. */
  fault: (call: Call) => Fault | Promise<Fault>;
  close(): Promise<void>;
}

export async function startTestGateway(): Promise<TestGateway> {
  const server = createServer((request, response) => {
    forward(gateway, request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = server.address() as AddressInfo;
  const gateway: TestGateway = {
    url: `http://127.0.0.1:${port}`,
    callees: new Map(),
    callers: new Set(),
    calls: [],
    fault: () => "none",
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return gateway;
}

async function forward(
  gateway: TestGateway,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const match = /^\/api\/([a-z-]+)(\/[^?]*)(\?.*)?$/.exec(request.url ?? "");
  const [, service = "", path = "", query = ""] = match ?? [];
  const call = { service, method: request.method ?? "GET", path };
  gateway.calls.push(call);
  const body = await text(request);
  const fault = await gateway.fault(call);
  const callee = gateway.callees.get(service);
  if (fault === "refuse" || callee === undefined) return refuse(response, service);
  if (!gateway.callers.has(String(request.headers["tideway-instance"]))) {
    response.writeHead(401).end();
    return;
  }
  const answer = await callee.fetchAs(await callerOf(gateway, request, service))(
    `http://${service}${path}${query}`,
    {
      method: call.method,
      headers: { "content-type": "application/json" },
      ...(body === "" ? {} : { body }),
    },
  );
  if (fault === "lose-answer") {
    request.socket.destroy();
    return;
  }
  const type = answer.headers.get("content-type") ?? "application/json";
  response.writeHead(answer.status, { "content-type": type }).end(await answer.text());
}

async function callerOf(
  gateway: TestGateway,
  request: IncomingMessage,
  service: string,
): Promise<TestCaller> {
  const { calls, grants } = toManifest(declaration);
  if (!calls.includes(service)) throw new Error(`payments does not declare to call ${service}.`);
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
  return {
    caller: "payments",
    // The ledger alone enforces grants.
    ...(service === "ledger" ? { grants } : {}),
    ...(token === undefined ? {} : { person: await personOfToken(gateway, token) }),
  };
}

async function personOfToken(gateway: TestGateway, token: string): Promise<string> {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const { kid } = decode(header);
  const identity = present(gateway.callees.get("identity"), "The tests start identity first.");
  const answer = await identity.fetchAs({})("http://identity/keys", { method: "GET" });
  // Identity's reply is checked by its own tests; here any mismatch ends in a failed check below.
  const { keys } = (await answer.json()) as { keys: Record<string, string>[] };
  const key = keys.find((one) => one["kid"] === kid);
  const { iss, sub, exp } = decode(payload);
  const valid =
    key !== undefined &&
    verify(
      null,
      Buffer.from(`${header}.${payload}`),
      createPublicKey({ key, format: "jwk" }),
      Buffer.from(signature, "base64url"),
    ) &&
    iss === TOKEN_ISSUER &&
    Number(exp) * 1_000 > Date.now();
  if (!valid) throw new Error("The token does not verify.");
  return String(sub);
}

function decode(part: string): Record<string, unknown> {
  // A token's parts are JSON objects.
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}

function refuse(response: ServerResponse, service: string): void {
  const { definition, message } = commonErrors.error("UPSTREAM_UNAVAILABLE", {
    given: { service },
  });
  response.writeHead(definition.status, { "content-type": "application/problem+json" });
  response.end(
    JSON.stringify({
      code: "UPSTREAM_UNAVAILABLE",
      title: message,
      action: definition.action,
      retryable: true,
    }),
  );
}
