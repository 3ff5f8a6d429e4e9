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
const PARTITIONS = Array.from({ length: SIM_PARTITIONS }, (_, partition) => partition);
const AT_START: Cursor = { readTo: 0, open: [] };
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

export interface BusTellers {
  readonly lease: (act: LeaseAct) => void;
  readonly lane: (group: string, lane: TroubledLane) => void;
}

export class BusStore {
  readonly #database: Database;
  readonly #tell: BusTellers;
  readonly #owners = createTable<Owner>("owner");
  readonly #log = createTable<StoredEvent>("log");
  readonly #ids = createTable<StoredEvent>("ids");
  readonly #heads = createTable<number>("heads");
  readonly #cursors = createTable<Cursor>("cursors");
  readonly #lanes = createTable<TroubledLane>("lanes");
  readonly #parked = createTable<Parked>("parked");

  constructor(database: Database, tell: BusTellers) {
    this.#database = database;
    this.#tell = tell;
  }

  /** The new fence, or null while somebody else's lease lasts. */
  acquire(process: SimProcess, owner: string): Task<number | null> {
    return this.#database.transaction(process, (t) =>
      t.statement(["owner"], (view) => {
        const before = this.#owners.get(view, "log");
        if (before !== undefined && before.untilMs > view.nowMs) return null;
        const fence = (before?.fence ?? 0) + 1;
        this.#own(view, owner, fence);
        return fence;
      }),
    );
  }

  renew(process: SimProcess, fence: number): Task<void> {
    return this.#fenced(process, fence, (view) => {
      const before = present(this.#owners.get(view, "log"), "It was compared just now.");
      this.#own(view, before.owner, fence);
    });
  }

  append(
    process: SimProcess,
    fence: number,
    events: readonly OutboxEvent[],
  ): Task<readonly StoredEvent[]> {
    return this.#fenced(process, fence, (view) =>
      events.map((event) => this.#appendOne(view, event)),
    );
  }

  read(process: SimProcess, range: LogRange): Task<readonly DeliverableEvent[]> {
    const { partition, after, upTo, limit } = range;
    return this.#free(process, (view) => {
      const found: DeliverableEvent[] = [];
      for (let offset = after + 1; offset <= upTo && found.length < limit; offset++) {
        const stored = this.#log.get(view, `${partition} ${offset}`);
        if (stored !== undefined) found.push(deliverable(stored));
      }
      return found;
    });
  }

  load(process: SimProcess, group: string): Task<Kept> {
    return this.#free(process, (view) => ({
      heads: PARTITIONS.map((partition) => this.#headOf(view, partition)),
      cursors: PARTITIONS.map(
        (partition) => this.#cursors.get(view, `${group} ${partition}`) ?? AT_START,
      ),
      lanes: keyedBy(this.#lanes.rows, `${group} `),
    }));
  }

  keep(process: SimProcess, fence: number, group: string, keeping: Keeping): Task<void> {
    return this.#fenced(process, fence, (view) => {
      for (const { lane, event } of keeping.park) {
        this.#parked.put(view, `${group} ${event.partition} ${event.offset}`, { lane, event });
      }
      for (const lane of keeping.lanes) {
        this.#lanes.put(view, `${group} ${lane.lane}`, lane);
        this.#tell.lane(group, lane);
      }
      for (const { lane, offset } of keeping.release) {
        for (const { event } of this.#parkedOf(view, group, lane)) {
          if (event.offset !== offset) continue;
          this.#parked.remove(view, `${group} ${event.partition} ${offset}`);
        }
      }
      for (const lane of keeping.clear) {
        const isEmpty = this.#parkedOf(view, group, lane).length === 0;
        if (isEmpty) this.#lanes.remove(view, `${group} ${lane}`);
      }
    });
  }

  saveCursors(
    process: SimProcess,
    fence: number,
    group: string,
    cursors: readonly Cursor[],
  ): Task<void> {
    return this.#fenced(process, fence, (view) => {
      for (const [partition, cursor] of cursors.entries()) {
        this.#cursors.put(view, `${group} ${partition}`, cursor);
      }
    });
  }

  /** The first parked events of a lane, by offset. */
  readParked(
    process: SimProcess,
    group: string,
    lane: string,
    limit: number,
  ): Task<readonly DeliverableEvent[]> {
    return this.#free(process, (view) =>
      this.#parkedOf(view, group, lane)
        .map(({ event }) => event)
        .sort((a, b) => a.offset - b.offset)
        .slice(0, limit),
    );
  }

  lanesInTrouble(): number {
    return this.#lanes.rows.size;
  }

  /** Under the owner's row, which whoever takes over must lock too. */
  #fenced<T>(process: SimProcess, fence: number, act: (view: Statement) => T): Task<T> {
    return this.#database.transaction(process, (t) =>
      t.statement(["owner"], (view) => {
        if (this.#owners.get(view, "log")?.fence !== fence) throw new Fenced();
        atCommit(view, () => this.#tell.lease({ kind: "written", resource: "log", fence }));
        return act(view);
      }),
    );
  }

  #free<T>(process: SimProcess, act: (view: Statement) => T): Task<T> {
    return this.#database.transaction(process, (t) => t.statement([], act));
  }

  #own(view: Statement, owner: string, fence: number): void {
    const [atMs, untilMs] = [view.nowMs, view.nowMs + LEASE_MS];
    this.#owners.put(view, "log", { owner, fence, untilMs });
    const taken = { kind: "taken", resource: "log", owner, fence, atMs, untilMs } as const;
    atCommit(view, () => this.#tell.lease(taken));
  }

  #appendOne(view: Statement, event: OutboxEvent): StoredEvent {
    const known = this.#ids.get(view, event.eventId);
    if (known !== undefined) return known;
    const partition = partitionOf(event.key);
    const offset = this.#headOf(view, partition) + 1;
    const stored = { ...event, partition, offset };
    this.#heads.put(view, String(partition), offset);
    this.#ids.put(view, event.eventId, stored);
    this.#log.put(view, `${partition} ${offset}`, stored);
    return stored;
  }

  #headOf(view: Statement, partition: number): number {
    return this.#heads.get(view, String(partition)) ?? 0;
  }

  #parkedOf(view: Statement, group: string, lane: string): Parked[] {
    const found: Parked[] = [];
    for (const partition of PARTITIONS) {
      const head = this.#headOf(view, partition);
      for (let offset = 1; offset <= head; offset++) {
        const row = this.#parked.get(view, `${group} ${partition} ${offset}`);
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
