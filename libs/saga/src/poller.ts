/**
 * The background of an instance: takes up what is due, one query a round for all sagas, with
 * jitter, so that many instances do not ask at the same moment. A round that fails is logged and
 * the next one comes; nothing that is due is ever forgotten, since rows alone say what is due.
 */
import { sleep } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { DatabaseClock } from "./clock.ts";
import type { SagaDefinition } from "./define-saga.ts";
import type { SagaMeasures } from "./measures.ts";
import type { Runs } from "./runs.ts";
import { claimDue } from "./store/read.ts";
import { FORGET_ROWS_MAX, forgetOld, measureUnfinished, readClock } from "./store/upkeep.ts";

export const POLL_EVERY_MS = 250;
export const CONCURRENCY_MAX = 16;
const BUSY_PAUSE_MS = 10;
const MEASURE_EVERY_MS = 10_000;
const NOTE_EVERY_MS = 10_000;
/** A forgetting keeps up with 160 sagas a second for each instance. */
const FORGET_BATCHES_MAX = 100;
const FORGET_EVERY_MS = 600_000;

export interface PollerOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly logger: Logger;
  readonly owner: string;
  readonly runs: Runs;
  readonly measures: SagaMeasures;
  readonly definitions: readonly SagaDefinition[];
  readonly pollEveryMs: number;
  readonly random: () => number;
  /** Writes down which versions this instance carries. */
  readonly noteVersions: () => Promise<void>;
}

export interface Poller {
  start(): void;
  stop(): Promise<void>;
  /** A round now; answers how many were taken up. */
  round(): Promise<number>;
}

export function createPoller(options: PollerOptions): Poller {
  const { logger, pollEveryMs, random } = options;
  const stopping = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  let underWay = 0;
  let hasMore = false;
  let waking = new AbortController();
  let asked: PromiseWithResolvers<number>[] = [];

  const look = async (): Promise<number> => {
    const room = CONCURRENCY_MAX - underWay;
    if (room <= 0 || stopping.signal.aborted) return 0;
    hasMore = false;
    underWay += room;
    try {
      const sentAtMs = options.clock.monotonic();
      const due = await claimDue(options.pool, options.owner, options.definitions, room);
      for (const stored of due) {
        underWay++;
        void options.runs.takeUp(stored, sentAtMs, false).finally(() => {
          underWay--;
        });
      }
      hasMore = due.length === room;
      return due.length;
    } finally {
      underWay -= room;
    }
  };
  const run = async (): Promise<void> => {
    const upkeep = createUpkeep(options);
    while (!stopping.signal.aborted) {
      const answers = asked;
      asked = [];
      waking = new AbortController();
      const found = await look().catch((error: unknown) => {
        logger.warn("saga.round-failed", errorFields(error));
        return 0;
      });
      for (const one of answers) one.resolve(found);
      await upkeep().catch((error: unknown) => {
        logger.warn("saga.upkeep-failed", errorFields(error));
      });
      // Where more may be due, the next ones are taken as soon as there is room.
      const pauseMs = hasMore ? BUSY_PAUSE_MS : pollEveryMs * (0.5 + random());
      await sleep(pauseMs, AbortSignal.any([stopping.signal, waking.signal]));
    }
    for (const one of asked) one.resolve(0);
  };
  return {
    // Within the loop, never within the request that asks: what is taken up has no part in that
    // request's deadline, and must not act with its person's token.
    round: () => {
      if (stopping.signal.aborted) return Promise.resolve(0);
      const answer = Promise.withResolvers<number>();
      asked.push(answer);
      waking.abort();
      return answer.promise;
    },
    start: () => {
      loop = run();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

/** Versions and gauges every 10 s, old sagas every 10 minutes. */
function createUpkeep(options: PollerOptions): () => Promise<void> {
  const { pool, clock, databaseClock, definitions, measures } = options;
  const carried = new Set(definitions.map(({ name, version }) => `${name} ${version}`));
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  let forgotAtMs = clock.monotonic();
  let notedAtMs = clock.monotonic();
  return async () => {
    const nowMs = clock.monotonic();
    if (nowMs - notedAtMs >= NOTE_EVERY_MS) {
      notedAtMs = nowMs;
      await options.noteVersions();
    }
    if (nowMs - measuredAtMs >= MEASURE_EVERY_MS) {
      measuredAtMs = nowMs;
      databaseClock.note(await readClock(pool));
      const all = await measureUnfinished(pool);
      measures.unfinished(all, ({ name, version }) => carried.has(`${name} ${version}`));
    }
    if (nowMs - forgotAtMs >= FORGET_EVERY_MS) {
      forgotAtMs = nowMs;
      for (let batch = 0; batch < FORGET_BATCHES_MAX; batch++) {
        if ((await forgetOld(pool)) < FORGET_ROWS_MAX) break;
      }
    }
  };
}
