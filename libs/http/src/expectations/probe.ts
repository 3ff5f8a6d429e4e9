/**
 * `GET /tideway/expectations`: what this instance has read and sent of its neighbours' apis. A probe
 * like `/metrics`, asked by control of each instance itself: through the gateway it would meet only
 * some. It holds paths and types, never values, and no service's api can have its path.
 */
import type { FastifyInstance } from "../fastify.ts";
import { recorderOf } from "./recorders.ts";

export const EXPECTATIONS_PATH = "/tideway/expectations";

export function addExpectationsProbe(app: FastifyInstance, consumer: string): void {
  app.get(EXPECTATIONS_PATH, () => ({ consumer, expects: recorderOf(consumer).list() }));
}
