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

export interface Database {
  readonly name: string;
  /** Opens a transaction on a connection of this process. Throws `ConnectionLost`. */
  begin(process: SimProcess): Task<Transaction>;
  /** Begins, runs `body`, commits; rolls back and throws what the body throws. */
  transaction<T>(process: SimProcess, body: (t: Transaction) => Task<T>): Task<T>;
  /** Breaks every connection and refuses new ones for so long. */
  crash(downMs: number): void;
  nowMs(): number;
}

interface Session extends Writer {
  readonly locks: Set<string>;
  state: "open" | "committing" | "over";
  /** Ends its present wait for a lock. */
  interrupt: () => void;
}

/** Beyond this a statement that waits for a lock is cancelled, as by `lock_timeout`. */
const LOCK_MS_MAX = 10_000;

export function createDatabase(
  world: World,
  options: {
    readonly name: string;
    readonly skewMs: number;
    readonly faults: () => DatabaseFaults;
  },
): Database {
  const { name, faults } = options;
  const locks = createLocks(world, name);
  const sequences = new Map<string, number>();
  const sessions = new Set<Session>();
  let upAgainMs = 0;
  const nowMs = (): number => world.nowMs() + options.skewMs;
  const end = (session: Session): void => {
    session.state = "over";
    sessions.delete(session);
    locks.release(session);
  };
  const commit = (session: Session): void => {
    for (const apply of session.touched.values()) apply();
    end(session);
  };
  const latency = function* (): Task<void> {
    yield* pause(world, world.random.ms(...faults().statementMs));
  };
  const statement = function* <T>(
    session: Session,
    wanted: readonly string[],
    act: (view: Statement) => T,
  ): Task<T> {
    yield* latency();
    if (world.random.chance(faults().lostShare)) end(session);
    for (const lock of wanted) yield* locks.acquire(session, lock, () => end(session));
    if (session.state === "over") throw new ConnectionLost(name);
    const next = (sequence: string): number => {
      const value = (sequences.get(sequence) ?? 0) + 1;
      sequences.set(sequence, value);
      return value;
    };
    return act({ touched: session.touched, nowMs: nowMs(), next });
  };
  const finish = function* (session: Session): Task<void> {
    if (session.state === "over") throw new ConnectionLost(name);
    session.state = "committing";
    yield* latency();
    const isCut = world.random.chance(faults().unknownShare);
    if (!isOver(session)) {
      // Where the cut falls decides; whoever waits for the reply cannot know.
      if (isCut && world.random.chance(0.5)) end(session);
      else commit(session);
    } else if (!isCut) throw new CommitUnknown(name);
    yield* latency();
    if (isCut) throw new CommitUnknown(name);
  };
  const begin = function* (process: SimProcess): Task<Transaction> {
    if (world.nowMs() < upAgainMs) {
      yield* latency();
      throw new ConnectionLost(`${name} is down`);
    }
    const session = openSession();
    sessions.add(session);
    const forget = process.atDeath(() => {
      // A commit that was sent may still arrive.
      if (session.state === "committing" && world.random.chance(0.5)) commit(session);
      else if (!isOver(session)) end(session);
    });
    return {
      statement: (wanted, act) => statement(session, wanted, act),
      *commit() {
        try {
          yield* finish(session);
        } finally {
          forget();
        }
      },
      rollback: () => {
        if (!isOver(session)) end(session);
        forget();
      },
    };
  };
  return {
    name,
    nowMs,
    begin,
    *transaction(process, body) {
      const t = yield* begin(process);
      try {
        const value = yield* body(t);
        yield* t.commit();
        return value;
      } finally {
        // A killed task never comes here; its `atDeath` did the same.
        t.rollback();
      }
    },
    crash: (downMs) => {
      upAgainMs = world.nowMs() + downMs;
      world.note(name, "crashes");
      const all = [...sessions];
      for (const session of all) {
        end(session);
        session.interrupt();
      }
    },
  };
}

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
