/** Handlers of events and sagas: what the bus and the services say, and operators' orders to them. */
import type { BusAdmin, ReplayRequest } from "@tideway/bus";
import type { ReplayFrom } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import type { ServiceSagas } from "../service-sagas.ts";
import { requireService } from "../views.ts";
import { audited } from "./audited.ts";
import type { AdminHandlers } from "./server.ts";

export interface EventHandlerParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly bus: BusAdmin;
  readonly sagas: ServiceSagas;
}

export function eventHandlers(parts: EventHandlerParts) {
  const { pool, bus } = parts;
  return {
    eventGroups: async () => ({ groups: [...(await bus.groups())] }),
    eventKeys: async ({ params, query }) => {
      await requireService(pool, params.service);
      const { items, next } = await bus.keys(params.service, query);
      return { items: [...items], next };
    },
    eventLog: async ({ query }) => {
      const { items, next } = await bus.events(query);
      return { items: [...items], next };
    },
    redriveEvents: async ({ params: { service }, body: { key }, operator }) =>
      audited(parts, {
        operator,
        action: "events.redrive",
        subject: service,
        // The key is an opaque id of the service's, and says which events were meant.
        detail: key ?? "all quarantined keys",
        run: async () => {
          await requireService(pool, service);
          return bus.redrive(service, key);
        },
        tell: ({ keys }) => ({ detail: `${key ?? "all quarantined keys"}: ${keys} went on` }),
      }),
    replayEvents: async ({ params: { service }, body, operator }) => {
      const { from, types, reason } = body;
      const asked: ReplayRequest = { from, ...(types === undefined ? {} : { types }) };
      const what = [`from ${wordsOf(from)}`, ...(types ?? []), ...(reason ? [reason] : [])];
      return audited(parts, {
        operator,
        action: "events.replay",
        subject: service,
        detail: what.join(", "),
        run: async () => {
          await requireService(pool, service);
          return bus.replay(service, asked);
        },
        tell: ({ replay }) => ({ detail: `replay ${replay} ${what.join(", ")}` }),
      });
    },
  } satisfies Partial<AdminHandlers>;
}

export function sagaHandlers(parts: EventHandlerParts) {
  const { sagas } = parts;
  return {
    sagas: ({ query }) => sagas.list(query),
    saga: ({ params, query }) => sagas.inspect(params.saga, query.service),
    retrySaga: ({ params: { saga }, body: { service }, operator }) =>
      audited(parts, {
        operator,
        action: "saga.retry",
        subject: saga,
        detail: service ?? "",
        run: () => sagas.retry(saga, service, `operator ${operator.name}`),
        tell: (after) => ({ detail: `${after.service} ${after.name}, step ${after.step}` }),
      }),
    compensateSaga: ({ params: { saga }, body: { service, reason }, operator }) =>
      audited(parts, {
        operator,
        action: "saga.compensate",
        subject: saga,
        detail: reason,
        run: () => sagas.compensate(saga, service, { by: `operator ${operator.name}`, reason }),
        tell: (after) => ({ detail: `${after.service} ${after.name}: ${reason}` }),
      }),
  } satisfies Partial<AdminHandlers>;
}

function wordsOf(from: ReplayFrom): string {
  if (from === "beginning") return "the beginning";
  if ("time" in from) return from.time;
  if ("eventId" in from) return from.eventId;
  return unreachable(from);
}
