/**
 * Operators' commands on their way to the conductor: one is carried out each look, in the order in
 * which they came. A command that could not be taken up in time is withdrawn, so that nothing is
 * done later that its operator was told had failed.
 */
import { adminErrors } from "@tideway/api-admin";
import { commonErrors } from "@tideway/kernel";
import type { Command, Illegal } from "@tideway/rollout";

export interface WaitingCommand {
  readonly service: string;
  readonly command: Command;
  readonly done: PromiseWithResolvers<void>;
}

export interface WaitingCommands {
  /** Resolves when it was carried out. Throws OVERLOADED, UPSTREAM_UNAVAILABLE, and `settle`'s. */
  add(rollout: string, service: string, command: Command): Promise<void>;
  /** The next command of a rollout; it is taken up now. */
  take(rollout: string): WaitingCommand | null;
  /** Puts back what could not be tried. */
  putBack(rollout: string, waiting: WaitingCommand): void;
  /** Refuses, with ROLLOUT_NOT_RUNNING, the commands for rollouts that do not run. */
  refuseAllBut(running: ReadonlySet<string>): void;
  /** Control ends: refuses the rest. */
  close(): void;
}

const TAKEN_UP_MS_MAX = 10_000;
const COMMANDS_MAX = 20;

export function createWaitingCommands(takenUpMsMax = TAKEN_UP_MS_MAX): WaitingCommands {
  const lists = new Map<string, WaitingCommand[]>();
  const drop = (rollout: string, waiting: WaitingCommand): boolean => {
    const list = lists.get(rollout) ?? [];
    const index = list.indexOf(waiting);
    if (index >= 0) list.splice(index, 1);
    if (list.length === 0) lists.delete(rollout);
    return index >= 0;
  };
  return {
    add: async (rollout, service, command) => {
      const list = lists.get(rollout) ?? [];
      if (list.length >= COMMANDS_MAX)
        throw commonErrors.error("OVERLOADED", { given: { service } });
      const waiting = { service, command, done: Promise.withResolvers<void>() };
      lists.set(rollout, [...list, waiting]);
      const timer = setTimeout(() => {
        if (drop(rollout, waiting)) waiting.done.reject(away());
      }, takenUpMsMax);
      await waiting.done.promise.finally(() => clearTimeout(timer));
    },
    take: (rollout) => {
      const [next] = lists.get(rollout) ?? [];
      if (next === undefined) return null;
      drop(rollout, next);
      return next;
    },
    putBack: (rollout, waiting) => {
      lists.set(rollout, [waiting, ...(lists.get(rollout) ?? [])]);
    },
    refuseAllBut: (running) => {
      for (const [rollout, list] of lists) {
        if (running.has(rollout)) continue;
        lists.delete(rollout);
        for (const { service, done } of list) {
          done.reject(adminErrors.error("ROLLOUT_NOT_RUNNING", { given: { service } }));
        }
      }
    },
    close: () => {
      for (const list of lists.values()) for (const { done } of list) done.reject(away());
      lists.clear();
    },
  };
}

/** Tells an operator what became of a command. */
export function settle(waiting: WaitingCommand | null, illegal: Illegal | null): void {
  if (waiting === null) return;
  if (illegal === null) return waiting.done.resolve();
  const { action, state, reason } = illegal;
  const given = { action, state, service: waiting.service, reason };
  waiting.done.reject(adminErrors.error("ROLLOUT_ACTION_ILLEGAL", { given }));
}

function away(): Error {
  return commonErrors.error("UPSTREAM_UNAVAILABLE", { given: { service: "Control" } });
}
