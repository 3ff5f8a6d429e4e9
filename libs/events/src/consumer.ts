/** A service's interest in a type of event, and what it does when one comes. */
import type { Api, EventApi } from "@tideway/schema";
import type { Transaction } from "@tideway/store";
import { dataChecker } from "./event-data.ts";
import type { DataProblem } from "./event-data.ts";
import type { EventData, EventName } from "./publisher.ts";

export interface ReceivedEvent<D> {
  /** evt_...: the same in every delivery. Derive the keys of effects elsewhere from it. */
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly data: D;
  /** The service that published it. */
  readonly source: string;
  /** When it was published, RFC 3339; null where the bus did not tell. */
  readonly time: string | null;
}

export interface EventContext {
  readonly eventId: string;
  /** 0 for the first delivery, else the number of the replay: leave effects outside undone. */
  readonly replay: number;
  /** Fires when the handler's time is over; what it wrote is undone then. */
  readonly signal: AbortSignal;
}

/**
 * Applies an event in the transaction in which its inbox row is written, so its effect happens
 * once. May run again after a rollback, so effects outside the transaction must carry `eventId` as
 * their idempotency key. 5 s at most.
 */
export type EventHandler<D> = (
  t: Transaction,
  event: ReceivedEvent<D>,
  context: EventContext,
) => Promise<unknown>;

export interface Consumer {
  readonly type: string;
  readonly event: EventApi;
  /** What is wrong with the data, or null. */
  readonly check: (data: unknown) => DataProblem;
  /** To be called with checked data. */
  readonly handle: EventHandler<unknown>;
}

/**
 * Consumes an event of an api, which the declaration names in `consumes` too.
 *
 * @example
 * consume(ledgerApi, "transferPosted", async (t, { data }) => finishPayment(t, data.reference));
 */
export function consume<A extends Api, N extends EventName<A>>(
  api: A,
  name: N,
  handler: EventHandler<EventData<A, N>>,
): Consumer {
  const event: EventApi | undefined = api.events?.[name];
  if (event === undefined) throw new Error(`${api.name} declares no event ${name}.`);
  return {
    type: event.type,
    event,
    check: dataChecker(event),
    // `check` has compared the data with the very schema that its type was made from.
    handle: (t, received, context) =>
      handler(t, received as ReceivedEvent<EventData<A, N>>, context),
  };
}
