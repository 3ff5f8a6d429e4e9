/** The bus's own database: who owns the log, the log, and what each group keeps. */
import type {
  Cursor,
  DeliverableEvent,
  Keeping,
  OutboxEvent,
  StoredEvent,
  TroubledLane,
} from "@tideway/bus";
import { partitionOfKey } from "@tideway/bus";
import { keyDigitsOf } from "@tideway/gateway";
import { present } from "@tideway/kernel";
import type { LeaseAct } from "../../../invariants/index.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import type { Database, Statement } from "../../model/database.ts";
import { atCommit, createTable } from "../../model/table.ts";

export const SIM_PARTITIONS = 2;
const LEASE_MS = 5_000;
const BYTES = 500;

/** Another bus owns the log now. */
export class Fenced extends Error {}

interface Owner {
  readonly owner: string;
  readonly fence: number;
  readonly untilMs: number;
}

interface Parked {
  readonly lane: string;
  readonly event: DeliverableEvent;
}

export interface BusStore {
  /** The new fence, or null while somebody else's lease lasts. */
  acquire(process: SimProcess, owner: string): Task<number | null>;
  renew(process: SimProcess, fence: number): Task<void>;
  append(
    process: SimProcess,
    fence: number,
    events: readonly OutboxEvent[],
  ): Task<readonly StoredEvent[]>;
  read(process: SimProcess, from: LogRange): Task<readonly DeliverableEvent[]>;
  load(process: SimProcess, group: string): Task<Kept>;
  keep(process: SimProcess, fence: number, group: string, keeping: Keeping): Task<void>;
  saveCursors(
    process: SimProcess,
    fence: number,
    group: string,
    cursors: readonly Cursor[],
  ): Task<void>;
  readParked(
    process: SimProcess,
    group: string,
    lane: string,
    partition: number,
    limit: number,
  ): Task<readonly DeliverableEvent[]>;
  lanesInTrouble(): number;
  logged(): number;
}

export interface LogRange {
  readonly partition: number;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

export interface Kept {
  readonly cursors: readonly Cursor[];
  readonly heads: readonly number[];
  readonly lanes: readonly TroubledLane[];
}

export function createBusStore(
  database: Database,
  tell: {
    readonly lease: (act: LeaseAct) => void;
    readonly lane: (group: string, lane: TroubledLane) => void;
  },
): BusStore {
  const owners = createTable<Owner>("owner");
  const log = createTable<StoredEvent>("log");
  const ids = createTable<StoredEvent>("ids");
  const heads = createTable<number>("heads");
  const cursors = createTable<Cursor>("cursors");
  const lanes = createTable<TroubledLane>("lanes");
  const parked = createTable<Parked>("parked");

  const mine = (view: Statement, fence: number): void => {
    if (owners.get(view, "log")?.fence !== fence) throw new Fenced();
    atCommit(view, () => tell.lease({ kind: "written", resource: "log", fence }));
  };
  /** Under the owner's row, which whoever takes over must lock too. */
  const fenced = <T>(process: SimProcess, fence: number, act: (view: Statement) => T): Task<T> =>
    database.transaction(process, (t) =>
      t.statement(["owner"], (view) => {
        mine(view, fence);
        return act(view);
      }),
    );
  const free = <T>(process: SimProcess, act: (view: Statement) => T): Task<T> =>
    database.transaction(process, (t) => t.statement([], act));
  const headsOf = (view: Statement): number[] =>
    Array.from({ length: SIM_PARTITIONS }, (_, p) => heads.get(view, String(p)) ?? 0);

  const appendOne = (view: Statement, event: OutboxEvent): StoredEvent => {
    const known = ids.get(view, event.eventId);
    if (known !== undefined) return known;
    const partition = partitionOf(event.key);
    const offset = (heads.get(view, String(partition)) ?? 0) + 1;
    const stored = { ...event, partition, offset };
    heads.put(view, String(partition), offset);
    ids.put(view, event.eventId, stored);
    log.put(view, `${partition} ${offset}`, stored);
    return stored;
  };

  return {
    acquire: (process, owner) =>
      database.transaction(process, (t) =>
        t.statement(["owner"], (view) => {
          const before = owners.get(view, "log");
          if (before !== undefined && before.untilMs > view.nowMs) return null;
          const fence = (before?.fence ?? 0) + 1;
          const untilMs = view.nowMs + LEASE_MS;
          owners.put(view, "log", { owner, fence, untilMs });
          const taken = { kind: "taken", resource: "log", owner, fence, untilMs } as const;
          const atMs = view.nowMs;
          atCommit(view, () => tell.lease({ ...taken, atMs }));
          return fence;
        }),
      ),
    renew: (process, fence) =>
      fenced(process, fence, (view) => {
        const before = present(owners.get(view, "log"), "It was compared just now.");
        const [atMs, untilMs] = [view.nowMs, view.nowMs + LEASE_MS];
        owners.put(view, "log", { ...before, untilMs });
        const taken = { kind: "taken", resource: "log", owner: before.owner, fence } as const;
        atCommit(view, () => tell.lease({ ...taken, atMs, untilMs }));
      }),
    append: (process, fence, events) =>
      fenced(process, fence, (view) => events.map((event) => appendOne(view, event))),
    read: (process, { partition, after, upTo, limit }) =>
      free(process, (view) => {
        const found: DeliverableEvent[] = [];
        for (let offset = after + 1; offset <= upTo && found.length < limit; offset++) {
          const stored = log.get(view, `${partition} ${offset}`);
          if (stored !== undefined) found.push(deliverable(stored));
        }
        return found;
      }),
    load: (process, group) =>
      free(process, (view) => ({
        heads: headsOf(view),
        cursors: Array.from(
          { length: SIM_PARTITIONS },
          (_, p) => cursors.get(view, `${group} ${p}`) ?? { readTo: 0, open: [] },
        ),
        lanes: keyedBy(lanes.rows, `${group} `),
      })),
    keep: (process, fence, group, keeping) =>
      fenced(process, fence, (view) => {
        for (const { lane, event } of keeping.park) {
          parked.put(view, `${group} ${event.partition} ${event.offset}`, { lane, event });
        }
        for (const lane of keeping.lanes) {
          lanes.put(view, `${group} ${lane.lane}`, lane);
          tell.lane(group, lane);
        }
        for (const { lane, offset } of keeping.release) {
          for (const [id, row] of parked.rows) {
            if (id.startsWith(`${group} `) && row.lane === lane && row.event.offset === offset) {
              parked.remove(view, id);
            }
          }
        }
        for (const lane of keeping.clear) {
          const isEmpty = !parkedOf(view, group, lane).some(() => true);
          if (isEmpty) lanes.remove(view, `${group} ${lane}`);
        }
      }),
    saveCursors: (process, fence, group, saved) =>
      fenced(process, fence, (view) => {
        for (const [partition, cursor] of saved.entries()) {
          cursors.put(view, `${group} ${partition}`, cursor);
        }
      }),
    readParked: (process, group, lane, partition, limit) =>
      free(process, (view) =>
        parkedOf(view, group, lane)
          .filter(({ event }) => event.partition === partition)
          .map(({ event }) => event)
          .sort((a, b) => a.offset - b.offset)
          .slice(0, limit),
      ),
    lanesInTrouble: () => lanes.rows.size,
    logged: () => log.rows.size,
  };

  function parkedOf(view: Statement, group: string, lane: string): Parked[] {
    const found: Parked[] = [];
    for (let p = 0; p < SIM_PARTITIONS; p++) {
      const head = heads.get(view, String(p)) ?? 0;
      for (let offset = 1; offset <= head; offset++) {
        const row = parked.get(view, `${group} ${p} ${offset}`);
        if (row?.lane === lane) found.push(row);
      }
    }
    return found;
  }
}

function keyedBy<T>(rows: ReadonlyMap<string, T>, prefix: string): T[] {
  return [...rows].flatMap(([id, row]) => (id.startsWith(prefix) ? [row] : []));
}

// Hashes are the costly part of a run, and the scenario's keys are few.
const digits = new Map<string, string>();
const partitions = new Map<string, number>();

function partitionOf(key: string): number {
  const known = partitions.get(key) ?? partitionOfKey(key, SIM_PARTITIONS);
  partitions.set(key, known);
  return known;
}

export function deliverable(event: StoredEvent): DeliverableEvent {
  const known = digits.get(event.key) ?? keyDigitsOf(event.key);
  digits.set(event.key, known);
  return { ...event, keyDigits: known, bytes: BYTES };
}
