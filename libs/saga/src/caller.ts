/** How a saga's requests are sent: through the gateway, like every call between services. */
import { createInternalClient } from "@tideway/http";
import type { ServiceConfig } from "@tideway/http";
import type { Method } from "@tideway/schema";
import { Type } from "typebox";
import { defineErrors } from "@tideway/kernel";
import type { SagaRequest } from "./machine/plan.ts";

/** Sends one request and answers its reply; throws a `ClientError`. */
export type SagaCall = (request: SagaRequest, signal: AbortSignal) => Promise<unknown>;

type CallerConfig = Pick<ServiceConfig, "internalUrl" | "instance" | "instanceSecret">;

/** The usual client, for requests whose routes are known as data only. */
export function createSagaCall(config: CallerConfig): SagaCall {
  const { internalUrl, instance, instanceSecret } = config;
  // Without its name: what routes are called, and what of them is read, is told by typed clients.
  // The machine counts tries and knows what a lost one means: nothing may be repeated behind its back.
  const caller = { internalUrl, instance, instanceSecret, retries: "none" } as const;
  return async ({ service, method, path, body, key }, signal) => {
    if (method === "TX") throw new Error("A transaction of the service itself is not sent.");
    const client = createInternalClient(pathApi(service, method, path), caller);
    return client.send({ idempotencyKey: key, signal, body: body ?? undefined });
  };
}

/** An api of one route, whose path holds its parameters already. */
function pathApi(name: string, method: Method, path: string) {
  const send = {
    method,
    path,
    auth: "service",
    exposure: "internal",
    summary: "A step of a saga.",
    body: Type.Unknown(),
    reply: Type.Unknown(),
  } as const;
  return { name, version: "0", errors: noErrors, routes: { send } } as const;
}

const noErrors = defineErrors({});
