/** Fastify with what our hooks hang on a request. */
import { fastify as Fastify } from "fastify";
import type { Assertion } from "@tideway/trust";

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the first hook of every route of an api; null for probes. */
    assertion: Assertion | null;
    traceId: string | null;
    startedAtMs: number;
  }
}

export { Fastify };
export type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
