/** The runs of this instance: each drives one saga, in the foreground or taken up by the poller. */
import { sleep } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import {
  childOf,
  currentTrace,
  errorFields,
  parseTraceparent,
  withTrace,
} from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { SagaCall } from "./caller.ts";
import type { DatabaseClock } from "./clock.ts";
import type { SagaDefinition } from "./define-saga.ts";
import { drive } from "./drive.ts";
import type { Driven } from "./drive.ts";
import type { Leases } from "./leases.ts";
import { LEASE_MS } from "./machine/lease.ts";
import type { Problem } from "./machine/plan.ts";
import { isOver, stepSaga } from "./machine/saga.ts";
import type { SagaState, StepRecord, Stepped } from "./machine/state.ts";
import type { SagaMeasures } from "./measures.ts";
import type { Held } from "./perform.ts";
import type { StoredSaga } from "./store/rows.ts";
import { problemOf } from "./outcome.ts";
import { countFailure, releaseLease } from "./store/upkeep.ts";
import type { SagaView } from "./view.ts";
import { viewOf } from "./view.ts";

export interface RunsOptions {
  readonly pool: Pool;
  readonly call: SagaCall;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly logger: Logger;
  readonly leases: Leases;
  readonly measures: SagaMeasures;
  readonly definitions: readonly SagaDefinition[];
  readonly random: () => number;
}

export interface Runs {
  /** How many are under way. */
  readonly size: number;
  /** The run of this saga that is under way here. */
  underWay(saga: string): Promise<SagaView> | undefined;
  /** Drives a saga that was claimed by a statement sent at `sentAtMs` (monotonic). */
  takeUp(stored: StoredSaga, sentAtMs: number, attended: boolean): Promise<SagaView>;
  /** Drives a saga that this instance has just started, from its first save on. */
  begin(fresh: FreshSaga): Promise<SagaView>;
  /** Lets each run end after its next save; comes back when all did. */
  stop(): Promise<void>;
}

export interface FreshSaga {
  readonly state: SagaState;
  readonly fence: number;
  readonly data: unknown;
  readonly definition: SagaDefinition;
  readonly traceparent: string | null;
  readonly sentAtMs: number;
}

/** How long after a failure the lease is given back again, in milliseconds. */
const GIVE_BACK_EVERY_MS = 200;

export function createRuns(options: RunsOptions): Runs {
  const { pool, call, logger, databaseClock, leases, measures, random, clock } = options;
  const running = new Map<string, Promise<SagaView>>();
  let stopping = false;
  const parts = {
    pool,
    call,
    logger,
    clock: databaseClock,
    random,
    isStopping: () => stopping,
  };

  const go = (held: Held, first: Stepped, saved: readonly StepRecord[]): Promise<SagaView> => {
    const trace = parseTraceparent(held.traceparent ?? undefined);
    const work = (): Promise<Driven> => drive(parts, held, first, saved);
    const traced =
      trace === null || currentTrace() !== null ? work() : withTrace(childOf(trace), work);
    const run = traced
      .then((driven) => end(held, driven))
      .catch(async (error: unknown) => {
        // The machine's own invariants, or a step without code: nothing was written.
        logger.error("saga.run-broke", { saga: held.saga, ...errorFields(error) });
        await giveBack(held, problemOf(error));
        return { ...viewOf(first.state), isKnown: false };
      })
      .finally(() => {
        if (running.get(held.saga) === run) running.delete(held.saga);
        leases.drop(held.saga, held.fence);
      });
    running.set(held.saga, run);
    return run;
  };
  const end = async (held: Held, driven: Driven): Promise<SagaView> => {
    const { saga } = held;
    const { state, end: how } = driven;
    if (how === "released" && isOver(state)) {
      measures.ended(state.plan.name, state.phase);
      logger.info("saga.over", { saga, saga_name: state.plan.name, state: state.phase });
    } else if (how === "released" && state.problem !== null) {
      const { code } = state.problem;
      logger.warn("saga.try-failed", {
        saga,
        step: stepNameOf(state),
        attempts: state.attempts,
        code,
      });
    } else if (how !== "released") {
      logger.warn("saga.let-go", { saga, step: stepNameOf(state), why: how });
      if (how !== "fenced") await giveBack(held, driven.refusal ?? null);
    }
    return how === "released" ? viewOf(state) : { ...viewOf(state), isKnown: false };
  };
  // While the database is away this is tried again, so that nobody waits for the rest of the lease
  // when it is back. What the database refuses for good counts as a failed try, or it would be tried
  // without a pause for ever.
  const giveBack = async ({ saga, fence, lost }: Held, refusal: Problem | null): Promise<void> => {
    const endsAtMs = clock.monotonic() + LEASE_MS;
    while (!lost.aborted && clock.monotonic() < endsAtMs) {
      try {
        if (refusal === null) await releaseLease(pool, { saga, fence });
        else await countFailure(pool, { saga, fence }, refusal, random());
        return;
      } catch (error) {
        logger.warn("saga.release-failed", { saga, ...errorFields(error) });
      }
      await sleep(GIVE_BACK_EVERY_MS, lost);
    }
  };
  return {
    get size() {
      return running.size;
    },
    underWay: (saga) => running.get(saga),
    takeUp: (stored, sentAtMs, attended) => {
      const { state, fence, data, traceparent, nowMs } = stored;
      const { plan, saga, signals } = state;
      databaseClock.note(nowMs);
      const definition = options.definitions.find(
        (one) => one.name === plan.name && one.version === plan.version,
      );
      const lost = leases.hold(saga, fence, sentAtMs);
      const held: Held = { saga, fence, data, definition, traceparent, lost };
      const first = stepSaga(state, { kind: "run", nowMs, attended, signals });
      return go(held, first, state.steps);
    },
    begin: ({ state, fence, data, definition, traceparent, sentAtMs }) => {
      const lost = leases.hold(state.saga, fence, sentAtMs);
      const held: Held = { saga: state.saga, fence, data, definition, traceparent, lost };
      const nowMs = databaseClock.nowMs();
      return go(held, stepSaga(state, { kind: "committed", nowMs }), state.steps);
    },
    stop: async () => {
      stopping = true;
      await Promise.all(running.values());
    },
  };
}

function stepNameOf({ plan, at }: SagaState): string {
  return plan.steps[at]?.name ?? "";
}
