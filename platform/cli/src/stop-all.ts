import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clearAfterCrash, end, findPostmaster, isAlive } from "@tideway/supervisor";
import { cliErrors } from "./errors.ts";
import type { Home } from "./home.ts";
import { postgresFiles } from "./postgres/start-options.ts";
import { askSupervisor, readSupervisor, runningProcesses } from "./supervisor-client.ts";

const GRACE_MS = 30_000;
const INSTANCE_GRACE_MS = 15_000;
const GONE_MS = 5_000;

/**
 * Stops everything of a home in order and waits; false when nothing ran. Without a supervisor it
 * ends what one left behind, PostgreSQL last. Throws STOP_FAILED.
 */
export async function stopAll(home: Home): Promise<boolean> {
  const { alive, status } = readSupervisor(home);
  const before = runningProcesses(status);
  if (alive && status !== null) {
    await askSupervisor(home, "stop");
    before.push({ name: "supervisor", pid: status.pid, start: status.start });
  } else {
    for (const left of (status?.processes ?? []).toReversed())
      if (left.running !== null) await end(left.running, left.stopSignal, GRACE_MS);
  }
  await endInstances(home);
  // A supervisor killed right after it had started PostgreSQL may have left no note of it.
  const files = postgresFiles(home);
  const postmaster = findPostmaster(files);
  if (postmaster !== null) await end(postmaster, "SIGINT", GRACE_MS);
  await clearAfterCrash(files);
  await allGone(before);
  return before.length > 0 || postmaster !== null;
}

/** Control ends its instances itself; one that hung or died first has left them running. */
async function endInstances(home: Home): Promise<void> {
  const records = join(home.run, "instances");
  if (!existsSync(records) || readdirSync(records).length === 0) return;
  const { createProcessEngine } = await import("@tideway/engine");
  const engine = createProcessEngine({
    home: home.folder,
    node: process.execPath,
    environment: () => Promise.reject(new Error("Nothing is started while all is being stopped.")),
  });
  await engine.stopAll(INSTANCE_GRACE_MS);
  await engine.close();
}

async function allGone(processes: readonly { name: string; pid: number; start: string }[]) {
  const deadlineMs = Date.now() + GONE_MS;
  for (;;) {
    const left = processes.filter((process) => isAlive(process));
    if (left.length === 0) return;
    if (Date.now() > deadlineMs) {
      const names = left.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ");
      const pids = left.map(({ pid }) => pid).join(" ");
      throw cliErrors.error("STOP_FAILED", { given: { names, pids } });
    }
    await sleep(20);
  }
}
