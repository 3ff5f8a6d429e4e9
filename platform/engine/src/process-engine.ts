/** The engine that runs instances as processes of this machine. */
import { resolve } from "node:path";
import { isCoded, systemClock } from "@tideway/kernel";
import type { Engine, InstanceBounds, RevisionId } from "./engine.ts";
import { engineErrors } from "./errors.ts";
import { limitsOf } from "./options.ts";
import type { ProcessEngineOptions } from "./options.ts";
import { createProcessDriver } from "./process-driver.ts";
import { Reconciler } from "./reconciler.ts";

export interface ProcessEngine extends Engine {
  /** Drains what was adopted and nobody has ensured: call it once all that should run is ensured. */
  settle(graceMs?: number): Promise<void>;
  /** Drains every instance and takes no orders any more. Resolves when nothing runs. */
  stopAll(graceMs: number): Promise<void>;
  /** Stops looking and leaves the instances running, for the next engine to adopt. */
  close(): Promise<void>;
}

const MEMORY_LIMIT_MB = 512;
const GRACE_MS_MAX = 600_000;
const REVISION_ID = /^[a-z][a-z0-9-]{1,30}-[1-9][0-9]{0,8}$/;

/**
 * An engine over processes, which adopts what an earlier one on the same home left running.
 * One engine a home at a time; when `close` has resolved, the next one may be made.
 *
 * @example
 * const engine = createProcessEngine({ home, node: process.execPath, environment });
 * await engine.ensure(revision, { min: 2, max: 8 }, epoch);
 * for await (const state of engine.watch(signal)) publish(state);
 */
export function createProcessEngine(options: ProcessEngineOptions): ProcessEngine {
  const closing = new AbortController();
  const clock = options.clock ?? systemClock;
  const limits = limitsOf(options);
  const onError = options.onError ?? ((error) => console.error(error));
  const driver = createProcessDriver({
    home: resolve(options.home),
    node: options.node,
    memoryLimitMb: options.memoryLimitMb ?? MEMORY_LIMIT_MB,
    clock,
    limits,
    onError,
  });
  const { environment } = options;
  const random = options.random ?? Math.random;
  const context = { driver, environment, clock, random, limits, onError, closing: closing.signal };
  const reconciler = new Reconciler(context);
  const adopted = driver.list().then((running) => reconciler.adopt(running));
  // Each operation awaits the adoption and reports its failure; before the first nobody does.
  adopted.catch(() => undefined);

  return {
    owns: { scaling: false, balancing: false },
    async ensure(revision, bounds, epoch) {
      checkRevision(revision.id);
      checkBounds(revision.id, bounds);
      await adopted;
      reconciler.ensure(revision, bounds, epoch);
    },
    async remove(revision, graceMs) {
      checkGrace(graceMs);
      await adopted;
      await reconciler.remove(revision, graceMs);
    },
    async *watch(signal) {
      await adopted;
      yield* reconciler.watch(signal);
    },
    async *logs(revision, signal) {
      checkRevision(revision);
      await adopted;
      if (!reconciler.has(revision) && !driver.hasLogs(revision)) {
        throw engineErrors.error("ENGINE_REVISION_UNKNOWN", { given: { revision } });
      }
      yield* driver.logs(revision, AbortSignal.any([signal, closing.signal]));
    },
    async stats(revision) {
      await adopted;
      const asked = reconciler.instancesOf(revision).map((instance) => driver.stats(instance));
      return (await Promise.all(asked)).filter((stats) => stats !== null);
    },
    async settle(graceMs = limits.drainGraceMs) {
      checkGrace(graceMs);
      await adopted;
      await reconciler.settle(graceMs);
    },
    async stopAll(graceMs) {
      checkGrace(graceMs);
      await adopted;
      await reconciler.stopAll(graceMs);
    },
    async close() {
      closing.abort();
      driver.close();
      // An adoption under way only reads; its failure was reported to whoever gave an order.
      await adopted.catch((error: unknown) => {
        if (isCoded(error)) return;
        onError(error);
      });
    },
  };
}

function checkRevision(given: RevisionId): void {
  // It becomes the name of a folder.
  if (REVISION_ID.test(given)) return;
  throw engineErrors.error("ENGINE_REVISION_INVALID", { given: { given: given.slice(0, 60) } });
}

function checkBounds(revision: RevisionId, bounds: InstanceBounds): void {
  const { min, max } = bounds;
  const whole = Number.isSafeInteger(min) && Number.isSafeInteger(max);
  if (whole && min >= 0 && max >= min) return;
  throw engineErrors.error("ENGINE_BOUNDS_INVALID", { given: { revision, min, max } });
}

function checkGrace(given: number): void {
  if (Number.isFinite(given) && given >= 0 && given <= GRACE_MS_MAX) return;
  throw engineErrors.error("ENGINE_GRACE_INVALID", { given: { given, limitMs: GRACE_MS_MAX } });
}
