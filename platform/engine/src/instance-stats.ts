/** What an instance uses, as the system counts it. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { hasCode, statFields } from "./process-identity.ts";

export interface ProcessStats {
  readonly memoryBytes: number;
  readonly cpuMs: number;
}

/** The kernel counts in hundredths of a second towards programs, whatever its own clock is. */
const MS_PER_TICK = 10;
const PS_TIMEOUT_MS = 2_000;

/**
 * Memory in bytes and processor time in milliseconds of a process; null when it has ended.
 *
 * Memory is the proportional set size: pages shared between instances count once over all of them,
 * so the sum of all instances is what the machine really gives. Elsewhere it is the resident size.
 */
export async function readProcessStats(pid: number): Promise<ProcessStats | null> {
  const memoryBytes = await proportionalSize(pid);
  const fields = memoryBytes === null ? null : statFields(pid);
  // Fields 14 and 15 of the file: time in user mode and in the kernel. Ours begin with field 3.
  const ticks = fields === null ? Number.NaN : Number(fields[11]) + Number(fields[12]);
  if (memoryBytes !== null && Number.isFinite(ticks)) {
    return { memoryBytes, cpuMs: ticks * MS_PER_TICK };
  }
  return readByPs(pid);
}

async function proportionalSize(pid: number): Promise<number | null> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch (error) {
    // No such process, no such file on this system, or a process that changed its user.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].some((code) => hasCode(error, code))) return null;
    throw error;
  }
}

async function readByPs(pid: number): Promise<ProcessStats | null> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=,time=", "-p", String(pid)], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      timeout: PS_TIMEOUT_MS,
    });
    return parsePs(stdout);
  } catch {
    // ps answers with an exit code when there is no such process.
    return null;
  }
}

/** Parses `rss time`: kilobytes, and [[days-]hours:]minutes:seconds[.fraction]. */
export function parsePs(text: string): ProcessStats | null {
  const match = /^\s*(\d+)\s+(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*$/.exec(text);
  if (match === null) return null;
  const [kilobytes, days, hours, minutes, seconds] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const total =
    (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000;
  return { memoryBytes: (kilobytes ?? 0) * 1024, cpuMs: Math.round(total) };
}
