/**
 * The loop that keeps everything in motion: each 250 ms, and at once when something changed, it
 * looks at the gateway, at every rollout under way, and makes the world agree. One pass at a time.
 */
import { adminErrors } from "@tideway/api-admin";
import type { GatewayState } from "@tideway/gateway";
import { sleep } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Command, RolloutState } from "@tideway/rollout";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { EvidenceReader } from "./evidence-reader.ts";
import type { MetricHistory } from "./metric-history.ts";
import { lookAtRollout } from "./rollout-look.ts";
import { runningRollouts } from "./store/rollouts.ts";
import type { RolloutRow } from "./store/rollouts.ts";
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
  run(signal: AbortSignal): Promise<void>;
  /** Looks again at once. */
  readonly wake: () => void;
  /** Carries out an operator's command. Throws ROLLOUT_ACTION_ILLEGAL or ROLLOUT_NOT_RUNNING. */
  command(rollout: string, service: string, command: Command): Promise<void>;
  /** Calls back after each pass in which something changed; answers how to stop. */
  onChange(listener: (services: readonly string[]) => void): () => void;
}

interface Waiting {
  readonly service: string;
  readonly command: Command;
  readonly done: PromiseWithResolvers<void>;
}

const LOOK_EVERY_MS = 250;

export function createConductor(options: ConductorOptions): Conductor {
  const { logger, world, history, clock } = options;
  const waiting = new Map<string, Waiting[]>();
  const listeners = new Set<(services: readonly string[]) => void>();
  let gateway: GatewayState | null = null;
  let nudge = new AbortController();

  const wake = (): void => nudge.abort();

  const lookAt = async (row: RolloutRow<RolloutState>): Promise<boolean> => {
    const next = waiting.get(row.rollout)?.shift() ?? null;
    const context = { ...options, gateway, running: world.running, nowMs: clock.now() };
    try {
      const look = await lookAtRollout(context, row, next?.command ?? null);
      if (look === null) {
        if (next !== null) waiting.get(row.rollout)?.unshift(next);
        return true;
      }
      settle(next, look.illegal);
      for (const { kind, text, by } of look.transition.decisions) {
        logger.info("rollout.decided", { rollout: row.rollout, kind, text, by });
      }
      return look.transition.decisions.length > 0;
    } catch (error) {
      next?.done.reject(error);
      throw error;
    }
  };

  const refuseRest = (running: readonly RolloutRow<RolloutState>[]): void => {
    for (const [rollout, list] of waiting) {
      if (running.some((row) => row.rollout === rollout) && list.length > 0) continue;
      for (const { service, done } of list) {
        done.reject(adminErrors.error("ROLLOUT_NOT_RUNNING", { given: { service } }));
      }
      waiting.delete(rollout);
    }
  };

  const pass = async (): Promise<void> => {
    gateway = await options.readGateway().catch(() => null);
    if (gateway !== null) history.record(gateway, clock.now());
    const running = await runningRollouts<RolloutState>(options.pool);
    refuseRest(running);
    const changed: string[] = [];
    for (const row of running) if (await lookAt(row)) changed.push(row.service);
    const rollouts =
      changed.length === 0 ? running : await runningRollouts<RolloutState>(options.pool);
    await world.reconcile(rollouts, gateway);
    for (const listener of listeners) listener(changed);
    if (changed.length > 0) wake();
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
        } catch (error) {
          logger.error("conductor.pass-failed", errorFields(error));
        }
        await sleep(LOOK_EVERY_MS, nudge.signal);
      }
    },
    command: (rollout, service, command) => {
      const done = Promise.withResolvers<void>();
      const list = waiting.get(rollout) ?? [];
      list.push({ service, command, done });
      waiting.set(rollout, list);
      wake();
      return done.promise;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function settle(
  next: Waiting | null,
  illegal: { readonly action: string; readonly state: string; readonly reason: string } | null,
): void {
  if (next === null) return;
  if (illegal === null) return next.done.resolve();
  const { action, state } = illegal;
  next.done.reject(
    adminErrors.error("ROLLOUT_ACTION_ILLEGAL", {
      given: { action, state, service: next.service, reason: illegal.reason },
    }),
  );
}
