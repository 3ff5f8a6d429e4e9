/**
 * A service that publishes: a business transaction locks its keys, takes their next positions and
 * writes outbox rows, commits sooner or later, or not at all. A row's number is a sequence's, so a
 * transaction that commits late leaves a low number behind.
 */
import { present } from "@tideway/kernel";
import { pause } from "../../kernel/process.ts";
import type { Bell, SimProcess, Task } from "../../kernel/process.ts";
import type { World } from "../../kernel/world.ts";
import { isDatabaseError } from "../../model/database.ts";
import type { Database, Transaction } from "../../model/database.ts";
import { atCommit } from "../../model/table.ts";
import type { Table } from "../../model/table.ts";

export interface SimEvent {
  readonly id: string;
  readonly key: string;
  /** The key's event number so-and-so, from 1. */
  readonly position: number;
  readonly type: string;
}

export interface SimRow {
  readonly number: number;
  readonly event: SimEvent;
}

export interface ProducerHouse {
  readonly world: World;
  readonly name: string;
  readonly database: Database;
  readonly outbox: Table<SimRow>;
  readonly positions: Table<number>;
  /** Rung after a commit; the relay polls anyway. */
  readonly bell: Bell;
  readonly keys: readonly string[];
  readonly tellCommitted: (event: SimEvent) => void;
}

export const ORDERED = "shop.order.changed.v1";
export const LOOSE = "shop.page.seen.v1";
const LATE_MS_MAX = 1_500;

/** Publishes until its time is over; several at once, so that their commits cross. */
export function* produce(
  house: ProducerHouse,
  process: SimProcess,
  untilMs: number,
  everyMs: number,
): Task<void> {
  const { world } = house;
  while (world.nowMs() < untilMs) {
    yield* pause(world, world.random.ms(0, 2 * everyMs));
    process.spawn(business(house, process));
  }
}

function* business(house: ProducerHouse, process: SimProcess): Task<void> {
  const { world, database } = house;
  const { random } = world;
  const count = random.pick([1, 1, 2, 3]);
  const keys = Array.from({ length: count }, () => random.pick(house.keys)).sort();
  try {
    yield* database.transaction(process, function* (t) {
      for (const key of keys) yield* publish(house, t, key);
      if (random.chance(0.3)) yield* pause(world, random.ms(0, LATE_MS_MAX));
      if (random.chance(0.05)) throw new Withdrawn();
    });
    if (random.chance(0.9)) house.bell.ring();
  } catch (error) {
    if (!(error instanceof Withdrawn) && !isDatabaseError(error)) throw error;
  }
}

/** The business changed its mind: everything is rolled back. */
class Withdrawn extends Error {}

function* publish(house: ProducerHouse, t: Transaction, key: string): Task<void> {
  const { name, outbox, positions, world } = house;
  const type = world.random.chance(0.85) ? ORDERED : LOOSE;
  yield* t.statement([`publish ${key}`], (view) => {
    const position = (positions.get(view, key) ?? 0) + 1;
    positions.put(view, key, position);
    const number = view.next("outbox");
    const event = { id: `${name}-${number}`, key, position, type };
    outbox.put(view, String(number), { number, event });
    atCommit(view, () => {
      world.note(name, "published", event.id, key, position);
      house.tellCommitted(present(event, "It was just made."));
    });
  });
}
