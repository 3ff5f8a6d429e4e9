import { spawnSync } from "node:child_process";
import { isAlive } from "@tideway/supervisor";
import type { Home } from "./home.ts";
import { readSupervisor } from "./supervisor-client.ts";

export interface ProcessView {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly upSeconds: number | null;
  readonly restarts: number;
  readonly lastExit: string | null;
  /** Resident memory of this one process; null when it does not run. */
  readonly memoryBytes: number | null;
}

export interface ProcessesView {
  readonly home: string;
  /** Whether the supervisor and every process it keeps are up. */
  readonly healthy: boolean;
  readonly processes: readonly ProcessView[];
}

/** The supervisor and what it keeps, as they are at `nowMs`; works when the supervisor is dead. */
export function processStatus(home: Home, nowMs: number): ProcessesView {
  const { alive, status } = readSupervisor(home);
  if (status === null) return { home: home.folder, healthy: false, processes: [] };
  const supervisor: ProcessView = {
    name: "supervisor",
    state: alive ? "up" : "dead",
    pid: alive ? status.pid : null,
    upSeconds: alive ? secondsSince(status.startedAtMs, nowMs) : null,
    restarts: 0,
    lastExit: null,
    memoryBytes: alive ? memoryOf(status.pid) : null,
  };
  const kept = status.processes.map(({ name, state, running, upSinceMs, ...rest }): ProcessView => {
    const runs = running !== null && isAlive(running);
    return {
      name,
      state: state === "up" && !runs ? "dead" : state,
      pid: runs ? running.pid : null,
      upSeconds: runs && upSinceMs !== null ? secondsSince(upSinceMs, nowMs) : null,
      restarts: rest.restarts,
      lastExit: rest.lastExit,
      memoryBytes: runs ? memoryOf(running.pid) : null,
    };
  });
  const processes = [supervisor, ...kept];
  const healthy = processes.every(({ state }) => state === "up");
  return { home: home.folder, healthy, processes };
}

function secondsSince(thenMs: number, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - thenMs) / 1_000));
}

function memoryOf(pid: number): number | null {
  const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  const kilobytes = Number.parseInt(stdout ?? "", 10);
  return Number.isNaN(kilobytes) ? null : kilobytes * 1_024;
}
