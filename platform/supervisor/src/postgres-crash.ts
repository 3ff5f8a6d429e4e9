import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLines, end, identify, readText } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { PostgresFiles } from "./options.ts";

const ORPHANS_GONE_MS = 20_000;

/** The postmaster of this data folder, whoever started it; null when there is none. */
export function findPostmaster({ dataFolder }: PostgresFiles): Identity | null {
  const pid = Number.parseInt(readPidFile(dataFolder)[0] ?? "", 10);
  // After a crash the pid in the file may by now be somebody else's.
  return commandLines().get(pid)?.includes(dataFolder) ? identify(pid) : null;
}

export function isPostgresReady(files: PostgresFiles): boolean {
  return readPidFile(files.dataFolder)[7]?.trim() === "ready" && findPostmaster(files) !== null;
}

/** Pids of backends, by their titles. While a postmaster lives they are its children, no orphans. */
export function backendsOf(clusterName: string): number[] {
  const title = `postgres: ${clusterName}: `;
  return [...commandLines()].filter(([, line]) => line.startsWith(title)).map(([pid]) => pid);
}

/**
 * Ends the backends that a killed postmaster left, then clears its files. A busy one keeps the
 * shared memory and would block every restart for as long as its query runs.
 */
export async function clearAfterCrash(files: PostgresFiles): Promise<void> {
  if (findPostmaster(files) !== null) throw new Error("PostgreSQL runs; nothing to clear.");
  const deadline = Date.now() + ORPHANS_GONE_MS;
  for (let left; (left = backendsOf(files.clusterName)).length > 0; await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`The backends ${left.join(", ")} do not end.`);
    for (const orphan of left.map(identify))
      if (orphan) await end(orphan, "SIGKILL", ORPHANS_GONE_MS);
  }
  for (const file of [`${files.dataFolder}/postmaster.pid`, files.socketFile])
    for (const suffix of ["", ".lock"]) rmSync(file + suffix, { force: true });
}

function readPidFile(dataFolder: string): string[] {
  return readText(`${dataFolder}/postmaster.pid`).split("\n");
}
