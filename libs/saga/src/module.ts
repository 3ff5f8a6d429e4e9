/** Sagas as a service uses them: started within its transactions, carried on in its background. */
import { isId } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { ServiceModule } from "@tideway/http";
import { afterCommit } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import type { Logger, Metrics } from "@tideway/telemetry";
import type { SagaCall } from "./caller.ts";
import { createDatabaseClock } from "./clock.ts";
import type { SagaDefinition } from "./define-saga.ts";
import { sagaErrors } from "./errors.ts";
import { createLeases } from "./leases.ts";
import { createMeasures } from "./measures.ts";
import { found } from "./operate.ts";
import { POLL_EVERY_MS, createPoller } from "./poller.ts";
import { sagaRoutesOf } from "./routes.ts";
import { createRuns } from "./runs.ts";
import { startSaga } from "./start-saga.ts";
import type { StartSaga } from "./start-saga.ts";
import { KEPT_BYTES_MAX, isKeepable } from "./store/keepable.ts";
import { claimOne, letWaitersFirst, readSaga } from "./store/read.ts";
import { SAGA_PREFIX } from "./store/rows.ts";
import { noteVersions } from "./store/definitions.ts";
import type { SeenVersion } from "./store/definitions.ts";
import { keepSignal, readClock } from "./store/upkeep.ts";
import { START_NEW_AFTER_MS, definitionToStart, notedOf } from "./versions.ts";
import { viewOf } from "./view.ts";
import type { SagaView } from "./view.ts";
import { createWaiting } from "./waiting.ts";

export interface SagaModuleOptions {
  /** Every version that this revision can carry on with: the newest and the one before. */
  readonly definitions: readonly SagaDefinition[];
  readonly pool: Pool;
  /** How requests are sent: `createSagaCall(config)`. */
  readonly call: SagaCall;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The instance's id: who holds a lease. */
  readonly instance: string;
  /** How long a new version must have been around before new sagas begin by it, in milliseconds. */
  readonly startNewAfterMs?: number;
  /** How often the background looks for what is due, in milliseconds, with jitter. */
  readonly pollEveryMs?: number;
  /** In [0, 1); a fake one makes waits exact. */
  readonly random?: () => number;
}

export interface Sagas {
  /** For `modules` of the service: the platform's routes, the background, due work. */
  readonly module: ServiceModule;
  /**
   * Starts a saga within the caller's transaction, once for each key; after the commit it runs here
   * at once. A first step that is a transaction runs within `t`, and what it throws refuses the start.
   */
  start(
    t: Transaction,
    name: string,
    options: StartSaga,
  ): Promise<{ saga: string; isNew: boolean }>;
  /**
   * Carries a saga on here and now, on behalf of the person who is waiting, or waits for whoever
   * holds it. Comes back when it is over, when it waits (for a try, a timer, a signal), or in time.
   */
  run(saga: string, timeoutMs: number): Promise<SagaView>;
  /** Waits until it is over, at most so long. Throws SAGA_NOT_FOUND. */
  wait(saga: string, timeoutMs: number): Promise<SagaView>;
  /** Hands a saga what a signal step waits for; the first one counts. Throws SAGA_SIGNAL_UNKNOWN, _INVALID, SAGA_OVER. */
  signal(saga: string, name: string, data: unknown): Promise<void>;
}

/** How long `run` waits for a holder before it tries to take the saga over again. */
const TAKE_OVER_EVERY_MS = 200;

/**
 * Makes the module.
 *
 * @example
 * const sagas = createSagaModule({ definitions: [order], call: createSagaCall(config), ...parts });
 * await tx(pool, (t) => sagas.start(t, "order", { key: order, data: { item } }));
 */
export function createSagaModule(options: SagaModuleOptions): Sagas {
  const { definitions, pool, call, clock, logger, metrics, instance } = options;
  const random = options.random ?? Math.random;
  const databaseClock = createDatabaseClock(clock);
  const measures = createMeasures(metrics);
  const leases = createLeases({ pool, clock, logger, owner: instance });
  const base = { pool, clock, databaseClock, logger, measures, definitions, random };
  const runs = createRuns({ ...base, call, leases });
  const pollEveryMs = options.pollEveryMs ?? POLL_EVERY_MS;
  let seen: readonly SeenVersion[] = [];
  const note = async (): Promise<void> => {
    seen = await noteVersions(pool, notedOf(definitions));
  };
  const polling = { ...base, owner: instance, runs, pollEveryMs, noteVersions: note };
  const poller = createPoller(polling);
  const waiting = createWaiting(pool, logger, random);

  const read = async (saga: string): Promise<SagaView> => {
    const { state } = found(await readSaga(pool, saga), saga);
    return viewOf(state);
  };
  const tell = (view: SagaView): SagaView => {
    if (view.isOver) waiting.tell(view.saga);
    return view;
  };
  const wake = (): void => void poller.round();
  const choose = (name: string): SagaDefinition =>
    definitionToStart(name, {
      definitions,
      seen,
      startNewAfterMs: options.startNewAfterMs ?? START_NEW_AFTER_MS,
    });

  const start: Sagas["start"] = async (t, name, request) => {
    const definition = choose(name);
    const sentAtMs = clock.monotonic();
    const parts = { call, logger, owner: instance, nowMs: databaseClock.nowMs() };
    const { saga, state, traceparent } = await startSaga(parts, t, definition, request);
    if (state === null) return { saga, isNew: false };
    afterCommit(t, () => {
      measures.started(name);
      const fresh = { state, fence: 1, data: request.data, definition, traceparent, sentAtMs };
      void runs.begin(fresh).then(tell);
    });
    return { saga, isNew: true };
  };

  const run: Sagas["run"] = async (saga, timeoutMs) => {
    const endsAtMs = clock.monotonic() + timeoutMs;
    for (;;) {
      const leftMs = endsAtMs - clock.monotonic();
      const here = runs.underWay(saga);
      if (here !== undefined) {
        const view = await within(here, leftMs);
        if (view?.isKnown === true) return view;
      }
      const sentAtMs = clock.monotonic();
      const stored =
        runs.underWay(saga) === undefined
          ? await claimOne(pool, instance, definitions, saga)
          : null;
      if (stored !== null) {
        const view = await within(runs.takeUp(stored, sentAtMs, true).then(tell), leftMs);
        if (view?.isKnown === true) return view;
      }
      const view = await read(saga);
      if (view.isOver || clock.monotonic() >= endsAtMs) return view;
      if (stored === null) await letWaitersFirst(pool, instance, saga);
      await waiting.untilOver(saga, Math.min(TAKE_OVER_EVERY_MS, leftMs));
    }
  };

  return {
    module: {
      name: "sagas",
      ...sagaRoutesOf({ pool, clock: databaseClock, logger, wake }),
      start: async () => {
        databaseClock.note(await readClock(pool));
        await note();
        leases.start();
        poller.start();
      },
      stop: async () => {
        await poller.stop();
        await runs.stop();
        leases.stop();
      },
      wake: () => poller.round(),
    },
    start,
    run,
    wait: async (saga, timeoutMs) => {
      const endsAtMs = clock.monotonic() + timeoutMs;
      for (;;) {
        const view = await read(saga);
        const leftMs = endsAtMs - clock.monotonic();
        if (view.isOver || leftMs <= 0) return view;
        await waiting.untilOver(saga, leftMs);
      }
    },
    signal: async (saga, name, data) => {
      const { state } = found(isId(SAGA_PREFIX, saga) ? await readSaga(pool, saga) : null, saga);
      const step = state.plan.steps.find((one) => one.name === name);
      if (step?.kind !== "signal") {
        throw sagaErrors.error("SAGA_SIGNAL_UNKNOWN", { given: { saga, signal: name } });
      }
      if (await keepSignal(pool, saga, name, signalText(name, data))) return wake();
      throw sagaErrors.error("SAGA_OVER", {
        given: { saga, state: (await read(saga)).state, step: name },
      });
    },
  };
}

/** Throws SAGA_SIGNAL_INVALID. */
function signalText(signal: string, data: unknown): string {
  const text = JSON.stringify(data ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes <= KEPT_BYTES_MAX && isKeepable(text)) return text;
  const given = { signal, bytes, bytesMax: KEPT_BYTES_MAX };
  throw sagaErrors.error("SAGA_SIGNAL_INVALID", { given });
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, Math.max(timeoutMs, 0), null);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
