/**
 * A transactional store as PostgreSQL is seen by its clients at READ COMMITTED: each statement sees
 * what is committed when it runs and its own transaction's writes; locks are held to the end; a
 * commit may be unknown (done or not done, the reply lost); a killed client's transaction is rolled
 * back, a stopped client's stays open with its locks. Sequence values are taken at once and never
 * given back, so a row that commits late has a low number.
 *
 * A statement names its locks, because the model has no planner: the rows it writes, or inserts
 * under a unique key, and advisory locks.
 */
import type { SimProcess, Task } from "../kernel/process.ts";
import { pause, suspend } from "../kernel/process.ts";
import type { World } from "../kernel/world.ts";
import type { Writer } from "./table.ts";

/** The connection broke before the commit was sent: nothing of the transaction stays. */
export class ConnectionLost extends Error {}
/** The connection broke while the commit was under way: nobody can tell. */
export class CommitUnknown extends Error {}

export function isDatabaseError(error: unknown): error is ConnectionLost | CommitUnknown {
  return error instanceof ConnectionLost || error instanceof CommitUnknown;
}

export interface Statement extends Writer {
  /** The next value of a sequence; kept also when the transaction is rolled back. */
  next(sequence: string): number;
  /** The database's own clock in milliseconds. */
  readonly nowMs: number;
}

export interface Transaction {
  /** Waits for the locks, then runs at one instant. Throws `ConnectionLost`. */
  statement<T>(locks: readonly string[], act: (view: Statement) => T): Task<T>;
  /** Throws `ConnectionLost` when it certainly did not happen, `CommitUnknown` when nobody knows. */
  commit(): Task<void>;
  /** Takes no time, and does nothing where the transaction is over. */
  rollback(): void;
}

export interface DatabaseFaults {
  /** Shares of statements, and of commits, that meet a breaking connection. */
  readonly lostShare: number;
  readonly unknownShare: number;
  readonly statementMs: readonly [number, number];
}

export interface DatabaseOptions {
  readonly name: string;
  readonly skewMs: number;
  readonly faults: () => DatabaseFaults;
}

export class Database {
  readonly name: string;
  readonly #world: World;
  readonly #options: DatabaseOptions;
  readonly #locks: Locks;
  readonly #sequences = new Map<string, number>();
  readonly #sessions = new Set<Session>();
  #upAgainMs = 0;

  constructor(world: World, options: DatabaseOptions) {
    this.name = options.name;
    this.#world = world;
    this.#options = options;
    this.#locks = createLocks(world, options.name);
  }

  nowMs(): number {
    return this.#world.nowMs() + this.#options.skewMs;
  }

  /** Opens a transaction on a connection of this process. Throws `ConnectionLost`. */
  *begin(process: SimProcess): Task<Transaction> {
    if (this.#world.nowMs() < this.#upAgainMs) {
      yield* this.#latency();
      throw new ConnectionLost(`${this.name} is down`);
    }
    const session = openSession();
    this.#sessions.add(session);
    const forget = process.atDeath(() => {
      // A commit that was sent may still arrive.
      if (session.state === "committing" && this.#world.random.chance(0.5)) this.#commit(session);
      else if (!isOver(session)) this.#end(session);
    });
    const finish = (): Task<void> => this.#finish(session);
    return {
      statement: (wanted, act) => this.#statement(session, wanted, act),
      *commit() {
        try {
          yield* finish();
        } finally {
          forget();
        }
      },
      rollback: () => {
        if (!isOver(session)) this.#end(session);
        forget();
      },
    };
  }

  /** Begins, runs `body`, commits; rolls back and throws what the body throws. */
  *transaction<T>(process: SimProcess, body: (t: Transaction) => Task<T>): Task<T> {
    const t = yield* this.begin(process);
    try {
      const value = yield* body(t);
      yield* t.commit();
      return value;
    } finally {
      // A killed task never comes here; its `atDeath` did the same.
      t.rollback();
    }
  }

  /** Breaks every connection and refuses new ones for so long. */
  crash(downMs: number): void {
    this.#upAgainMs = this.#world.nowMs() + downMs;
    this.#world.note(this.name, "crashes");
    const all = [...this.#sessions];
    for (const session of all) {
      this.#end(session);
      session.interrupt();
    }
  }

  *#statement<T>(
    session: Session,
    wanted: readonly string[],
    act: (view: Statement) => T,
  ): Task<T> {
    yield* this.#latency();
    if (this.#world.random.chance(this.#options.faults().lostShare)) this.#end(session);
    for (const lock of wanted) {
      yield* this.#locks.acquire(session, lock, () => this.#end(session));
    }
    if (session.state === "over") throw new ConnectionLost(this.name);
    const next = (sequence: string): number => {
      const value = (this.#sequences.get(sequence) ?? 0) + 1;
      this.#sequences.set(sequence, value);
      return value;
    };
    return act({ touched: session.touched, nowMs: this.nowMs(), next });
  }

  *#finish(session: Session): Task<void> {
    if (session.state === "over") throw new ConnectionLost(this.name);
    session.state = "committing";
    yield* this.#latency();
    const isCut = this.#world.random.chance(this.#options.faults().unknownShare);
    if (!isOver(session)) {
      // Where the cut falls decides; whoever waits for the reply cannot know.
      if (isCut && this.#world.random.chance(0.5)) this.#end(session);
      else this.#commit(session);
    } else if (!isCut) throw new CommitUnknown(this.name);
    yield* this.#latency();
    if (isCut) throw new CommitUnknown(this.name);
  }

  #end(session: Session): void {
    session.state = "over";
    this.#sessions.delete(session);
    this.#locks.release(session);
  }

  #commit(session: Session): void {
    for (const apply of session.touched.values()) apply();
    this.#end(session);
  }

  *#latency(): Task<void> {
    const { random } = this.#world;
    yield* pause(this.#world, random.ms(...this.#options.faults().statementMs));
  }
}

interface Session extends Writer {
  readonly locks: Set<string>;
  state: "open" | "committing" | "over";
  /** Ends its present wait for a lock. */
  interrupt: () => void;
}

/** Beyond this a statement that waits for a lock is cancelled, as by `lock_timeout`. */
const LOCK_MS_MAX = 10_000;

/** Asked anew: the session may have ended while its task waited. */
function isOver(session: Session): boolean {
  return session.state === "over";
}

function openSession(): Session {
  return { touched: new Map(), locks: new Set(), state: "open", interrupt: () => undefined };
}

interface Locks {
  acquire(session: Session, lock: string, cancel: () => void): Task<void>;
  release(session: Session): void;
}

function createLocks(world: World, name: string): Locks {
  const held = new Map<string, Session>();
  const waiting = new Map<string, (() => void)[]>();
  return {
    *acquire(session, lock, cancel) {
      const deadlineMs = world.nowMs() + LOCK_MS_MAX;
      for (;;) {
        if (isOver(session)) throw new ConnectionLost(name);
        const holder = held.get(lock);
        if (holder === undefined || holder === session) break;
        if (world.nowMs() >= deadlineMs) {
          cancel();
          throw new ConnectionLost(`${name}: waited too long for ${lock}`);
        }
        yield* suspend<null>((resume) => {
          const wake = (): void => resume(null);
          waiting.set(lock, [...(waiting.get(lock) ?? []), wake]);
          session.interrupt = wake;
          world.after(deadlineMs - world.nowMs(), wake);
        });
      }
      held.set(lock, session);
      session.locks.add(lock);
    },
    release: (session) => {
      for (const lock of session.locks) {
        held.delete(lock);
        const queue = waiting.get(lock) ?? [];
        waiting.delete(lock);
        for (const wake of queue) world.after(0, wake);
      }
      session.locks.clear();
    },
  };
}
