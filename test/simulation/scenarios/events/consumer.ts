/**
 * An instance of a consuming service: the inbox machine with a driver as libs/events has one, and a
 * handler that may be poisoned. Both revisions share the service's database, and with it the inbox.
 */
import { inboxIdle } from "@tideway/events";
import type { InboxEffect, InboxEvent, InboxInput, InboxResult } from "@tideway/events";
import { present, unreachable } from "@tideway/kernel";
import { pause } from "../../kernel/process.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import type { World } from "../../kernel/world.ts";
import { isDatabaseError } from "../../model/database.ts";
import type { Database, Transaction } from "../../model/database.ts";
import type { Server } from "../../model/network.ts";
import { atCommit } from "../../model/table.ts";
import type { Table } from "../../model/table.ts";
import type { EventParts } from "./parts.ts";
import type { SimEvent } from "./producer.ts";

export type InboxTable = Table<true>;
export interface InboxRow {
  readonly index: number;
  readonly id: string;
}

export type InstanceReply = { readonly results: readonly InboxResult[] } | "unavailable";

export interface ConsumerHouse {
  readonly world: World;
  readonly name: string;
  readonly database: Database;
  readonly inbox: InboxTable;
  readonly parts: EventParts;
  /** Whether this revision's handler fails this event now. */
  readonly isPoison: (revision: string, event: SimEvent) => boolean;
  /** How long a handler takes at most. */
  readonly handlerMsMax: number;
  readonly tellApplied: (event: SimEvent) => void;
  readonly tellFailed: (event: SimEvent) => void;
}

const DELIVERY_MS_MAX = 30_000;

export function createInstance(
  house: ConsumerHouse,
  revision: string,
  process: SimProcess,
): Server<readonly SimEvent[], InstanceReply> {
  return {
    process,
    answer: (events, reply) => deliver({ house, revision, process, events, reply }),
  };
}

interface Delivery {
  readonly house: ConsumerHouse;
  readonly revision: string;
  readonly process: SimProcess;
  readonly events: readonly SimEvent[];
  readonly reply: (answer: InstanceReply) => void;
}

function* deliver(delivery: Delivery): Task<void> {
  const { house, process, events } = delivery;
  const nowMs = process.localMs();
  const delivered = events.map(({ id, key }): InboxEvent => ({
    id,
    key,
    replay: 0,
    refusal: null,
  }));
  let stepped = house.parts.stepInbox(inboxIdle, {
    kind: "delivered",
    events: delivered,
    deadlineMs: nowMs + DELIVERY_MS_MAX,
    nowMs,
  });
  let open: Transaction | null = null;
  while (stepped.effects.length > 0) {
    let input: InboxInput | null = null;
    for (const effect of stepped.effects) {
      const done: Done = yield* execute(delivery, effect, open);
      open = done.open;
      input = done.input;
    }
    if (input === null || stepped.state.phase === "done") break;
    house.world.note(process.name, "inbox", stepped.state.mode, input.kind);
    stepped = house.parts.stepInbox(stepped.state, input);
  }
  open?.rollback();
}

interface Done {
  readonly open: Transaction | null;
  /** Null for an effect that nothing follows. */
  readonly input: InboxInput | null;
}

function* execute(delivery: Delivery, effect: InboxEffect, open: Transaction | null): Task<Done> {
  try {
    return yield* tryEffect(delivery, effect, open);
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    open?.rollback();
    return { open: null, input: { kind: "unavailable" } };
  }
}

function* tryEffect(delivery: Delivery, effect: InboxEffect, open: Transaction | null): Task<Done> {
  const { house, process, events } = delivery;
  switch (effect.kind) {
    case "claim": {
      const rows = effect.indexes.map((index) => ({ index, id: eventAt(events, index).id }));
      const { database, inbox } = house;
      const claimed = yield* house.parts.claimInbox({ database, process, inbox, rows });
      const { fresh, transaction } = claimed;
      return { open: transaction, input: { kind: "claimed", fresh, nowMs: process.localMs() } };
    }
    case "handle":
      return { open, input: yield* handle(delivery, eventAt(events, effect.index), open) };
    case "commit":
      yield* present(open, "It commits what it opened.").commit();
      return { open: null, input: { kind: "committed", nowMs: process.localMs() } };
    case "rollback":
      open?.rollback();
      return { open: null, input: null };
    case "answer":
      tellFailures(delivery, effect.results);
      delivery.reply({ results: effect.results });
      return { open, input: null };
    case "refuse":
      delivery.reply("unavailable");
      return { open, input: null };
    default:
      return unreachable(effect);
  }
}

function* handle(
  { house, revision, process }: Delivery,
  event: SimEvent,
  open: Transaction | null,
): Task<InboxInput> {
  const { world } = house;
  yield* pause(world, world.random.ms(0.1, house.handlerMsMax));
  if (house.isPoison(revision, event)) {
    const failure = { code: "HANDLER_FAILED", detail: "It cannot be digested." };
    return { kind: "handler-failed", failure, isFinal: false, nowMs: process.localMs() };
  }
  yield* present(open, "A handler runs in a transaction.").statement([], (view) =>
    atCommit(view, () => {
      world.note(house.name, revision, "applied", event.id, event.key, event.position);
      house.tellApplied(event);
    }),
  );
  return { kind: "handled", nowMs: process.localMs() };
}

function tellFailures({ house, events }: Delivery, results: readonly InboxResult[]): void {
  for (const [index, { outcome }] of results.entries()) {
    if (outcome === "failed") house.tellFailed(eventAt(events, index));
  }
}

function eventAt(events: readonly SimEvent[], index: number): SimEvent {
  return present(events[index], "A machine names events of its delivery.");
}
