/**
 * The loop that keeps everything in motion: each 250 ms, and at once when something changed, it
 * looks at the gateway, at every rollout under way, and makes the world agree. One pass at a time.
 * What fails for one rollout must not keep the others, or the world, from being looked after.
 */
import type { GatewayState } from "@tideway/gateway";
import { sleep } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Command, RolloutState } from "@tideway/rollout";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import type { EvidenceReader } from "./evidence-reader.ts";
import type { MetricHistory } from "./metric-history.ts";
import { createRepeatedErrors } from "./repeated-errors.ts";
import { lookAtRollout } from "./rollout-look.ts";
import { pruneEvidence } from "./store/evidence.ts";
import { runningRollouts } from "./store/rollouts.ts";
import type { RolloutRow } from "./store/rollouts.ts";
import { createWaitingCommands, settle } from "./waiting-commands.ts";
import type { World } from "./world.ts";

export interface ConductorOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly world: World;
  readonly evidence: EvidenceReader;
  readonly history: MetricHistory;
  readonly readGateway: () => Promise<GatewayState>;
}

export interface Conductor {
  readonly gateway: GatewayState | null;
  /** Resolves when the pass under way at the time of the signal is over. */
  run(signal: AbortSignal): Promise<void>;
  /** Looks again at once. */
  readonly wake: () => void;
  /** Carries out an operator's command. Throws ROLLOUT_ACTION_ILLEGAL or ROLLOUT_NOT_RUNNING. */
  command(rollout: string, service: string, command: Command): Promise<void>;
  /** Calls back after each pass in which something changed; answers how to stop. */
  onChange(listener: (services: readonly string[]) => void): () => void;
}

const LOOK_EVERY_MS = 250;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_ROWS_MAX = 20_000;

export function createConductor(options: ConductorOptions): Conductor {
  const { logger, world, history, clock, pool } = options;
  const commands = createWaitingCommands();
  const errors = createRepeatedErrors(logger, clock);
  const listeners = new Set<(services: readonly string[]) => void>();
  let gateway: GatewayState | null = null;
  let prunedAtMs = 0;
  let nudge = new AbortController();

  const wake = (): void => nudge.abort();

  /** Whether something was decided, or must be looked at again at once. */
  const lookAt = async (row: RolloutRow<RolloutState>): Promise<boolean> => {
    const next = commands.take(row.rollout);
    const context = { ...options, gateway, running: world.running, nowMs: clock.now(), errors };
    try {
      const look = await lookAtRollout(context, row, next?.command ?? null);
      errors.clear(row.rollout);
      if (look === null) {
        if (next !== null) commands.putBack(row.rollout, next);
        return true;
      }
      settle(next, look.illegal);
      for (const { kind, text, by } of look.transition.decisions) {
        logger.info("rollout.decided", { rollout: row.rollout, kind, text, by });
      }
      return look.transition.decisions.length > 0;
    } catch (error) {
      next?.done.reject(error);
      errors.report("rollout.look-failed", row.rollout, error);
      return false;
    }
  };

  const pass = async (): Promise<void> => {
    gateway = await options.readGateway().catch(() => null);
    if (gateway !== null) history.record(gateway, clock.now());
    const running = await runningRollouts<RolloutState>(pool);
    const ids = new Set(running.map(({ rollout }) => rollout));
    commands.refuseAllBut(ids);
    options.evidence.keepOnly(ids);
    const changed: string[] = [];
    for (const row of running) if (await lookAt(row)) changed.push(row.service);
    const rollouts = changed.length === 0 ? running : await runningRollouts<RolloutState>(pool);
    await world.reconcile(rollouts, gateway);
    for (const listener of listeners) listener(changed);
    if (changed.length > 0) wake();
    await pruneNowAndThen();
  };

  const pruneNowAndThen = async (): Promise<void> => {
    if (clock.monotonic() - prunedAtMs < PRUNE_EVERY_MS) return;
    prunedAtMs = clock.monotonic();
    await pruneEvidence(pool, PRUNE_ROWS_MAX);
  };

  return {
    get gateway() {
      return gateway;
    },
    wake,
    run: async (signal) => {
      signal.addEventListener("abort", wake, { once: true });
      while (!signal.aborted) {
        nudge = new AbortController();
        try {
          await pass();
          errors.clear("pass");
        } catch (error) {
          errors.report("conductor.pass-failed", "pass", error);
        }
        if (!signal.aborted) await sleep(LOOK_EVERY_MS, nudge.signal);
      }
      commands.close();
    },
    command: (rollout, service, command) => {
      const done = commands.add(rollout, service, command);
      wake();
      return done;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
