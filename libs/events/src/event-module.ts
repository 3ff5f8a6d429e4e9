/** What consumes events and runs jobs in a service: its routes and its sweeping. */
import { currentRequest, platformHandlers, recordedEvent } from "@tideway/http";
import type { HandlerRequest, ServiceConfig, ServiceModule } from "@tideway/http";
import type { Clock } from "@tideway/kernel";
import { DELIVERY_DEADLINE_MS, FAILED_HEADER, eventRoutes, jobRoutes } from "@tideway/schema";
import type { EventResult, ReplyOf, deliverEvents } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import type { Logger, Metrics } from "@tideway/telemetry";
import { applyEvents } from "./apply-events.ts";
import type { Consumer } from "./consumer.ts";
import { readDelivery } from "./delivery.ts";
import type { Delivered } from "./delivery.ts";
import { createJobRunner } from "./jobs.ts";
import type { Job } from "./jobs.ts";
import type { InboxResult } from "./machine/inbox.ts";
import { startPruning } from "./prune.ts";
import { createSlots } from "./slots.ts";

/** Milliseconds one handler may take for one event. */
export const EVENT_HANDLER_MS_MAX = 5_000;
/** No event is begun so shortly before the delivery's end: a handler, its undoing, the answer. */
const RESERVE_MS = EVENT_HANDLER_MS_MAX + 3_000;

export interface EventModuleOptions {
  /** One for each type that the declaration consumes. */
  readonly consumers?: readonly Consumer[];
  /** One for each name under `cron` of the declaration. */
  readonly jobs?: Readonly<Record<string, Job>>;
  /** What the service reads of events is recorded under its name. */
  readonly config: Pick<ServiceConfig, "service">;
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Defaults to EVENT_HANDLER_MS_MAX. */
  readonly handlerMsMax?: number;
}

/**
 * The module by which a service takes events and ticks.
 *
 * @example
 * build: (parts) => ({
 *   handlers,
 *   modules: [
 *     createEventModule({ ...parts, consumers: [consume(ledgerApi, "transferPosted", act)] }),
 *   ],
 * })
 */
export function createEventModule(options: EventModuleOptions): ServiceModule {
  const { consumers = [], jobs = {}, pool, logger } = options;
  const deliver = deliveryHandler(
    options,
    byType(consumers.map((one) => recorded(one, options.config))),
  );
  const runJob = createJobRunner({ pool, logger, jobs });
  const taking = platformHandlers(eventRoutes, { deliverEvents: deliver });
  const ticking = platformHandlers(jobRoutes, {
    runJob: async ({ params, body, signal }) => ({
      outcome: await runJob({ job: params.job, tick: body.tick, signal }),
    }),
  });
  const hasConsumers = consumers.length > 0;
  const hasJobs = Object.keys(jobs).length > 0;
  let stopPruning = (): void => {};
  return {
    name: "events",
    routes: { ...(hasConsumers ? taking.routes : {}), ...(hasJobs ? ticking.routes : {}) },
    handlers: { ...(hasConsumers ? taking.handlers : {}), ...(hasJobs ? ticking.handlers : {}) },
    start: async () => {
      stopPruning = startPruning({ pool, logger });
    },
    stop: async () => stopPruning(),
  };
}

type DeliveryRequest = HandlerRequest<typeof deliverEvents>;

function deliveryHandler(options: EventModuleOptions, consumers: ReadonlyMap<string, Consumer>) {
  const { clock, metrics, handlerMsMax = EVENT_HANDLER_MS_MAX } = options;
  const count = metrics.counter("events_received", "Events delivered, by what became of them.", [
    "type",
    "outcome",
  ]);
  // A delivery holds a connection; half of them stay for whoever waits for an answer.
  const inSlot = createSlots(Math.max(1, Math.floor(options.pool.options.max / 2)));
  return async (request: DeliveryRequest): Promise<ReplyOf<typeof deliverEvents>> => {
    const delivered = readDelivery(request.header("content-type"), request.body, consumers);
    const results = await inSlot(() =>
      applyEvents(options, delivered, {
        deadlineMs: clock.monotonic() + Math.max(1, remainingMs() - RESERVE_MS),
        signal: request.signal,
        handlerMsMax,
      }),
    );
    const failed = results.flatMap(({ outcome }, index) => (outcome === "failed" ? [index] : []));
    if (failed.length > 0) request.setHeader(FAILED_HEADER, failed.join(","));
    results.forEach(({ outcome }, index) => {
      count.inc({ type: typeOf(delivered[index]), outcome });
    });
    return { results: results.map(wireResult) };
  };
}

/** Types that nobody consumes are counted as one, or a sender could fill the registry. */
function typeOf(one: Delivered | undefined): string {
  return one?.consumer?.type ?? "unknown";
}

/** Milliseconds until the gateway stops waiting. */
function remainingMs(): number {
  const request = currentRequest();
  return request === null ? DELIVERY_DEADLINE_MS : request.deadlineAtMs - performance.now();
}

function wireResult({ id, outcome, failure }: InboxResult): EventResult {
  return { id, outcome, ...failure };
}

/** Notes, for a share of the events, which fields the handler reads (docs/explain/compatibility.md). */
function recorded(consumer: Consumer, { service }: Pick<ServiceConfig, "service">): Consumer {
  const handle: Consumer["handle"] = (t, event, context) => {
    const data = recordedEvent(service, consumer.event, event.data);
    return consumer.handle(t, data === event.data ? event : { ...event, data }, context);
  };
  return { ...consumer, handle };
}

function byType(consumers: readonly Consumer[]): ReadonlyMap<string, Consumer> {
  const map = new Map<string, Consumer>();
  for (const consumer of consumers) {
    if (map.has(consumer.type)) throw new Error(`${consumer.type} has two consumers; give it one.`);
    map.set(consumer.type, consumer);
  }
  return map;
}
