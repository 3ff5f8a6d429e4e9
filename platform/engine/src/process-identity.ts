/**
 * A pid alone names nobody: the system gives it out again. A pid together with the time its
 * process started names one process, for as long as the machine is up.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot on Linux, a date on macOS. Compared only, never computed with. */
  readonly startTime: string;
}

const LINUX = process.platform === "linux";
const PS_TIMEOUT_MS = 2_000;

/**
 * The fields of /proc/PID/stat from the third one (the state) on; null when there is no such
 * process. The second field is the program's name in brackets and may contain anything.
 */
export function statFields(pid: number): string[] | null {
  const text = readOrNull(`/proc/${pid}/stat`);
  if (text === null) return null;
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** When the process started; null when there is none, or only its unreaped remains. */
export function startTimeOf(pid: number): string | null {
  if (!LINUX) return startTimeByPs(pid);
  const fields = statFields(pid);
  if (fields === null) return null;
  return startTimeOfFields(fields);
}

/** Whether this very process runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/**
 * As `isAlive`, but cheap enough for every 100 ms: without /proc it asks only whether the pid is
 * in use. Never signal on its word.
 */
export function seemsAlive(identity: ProcessIdentity): boolean {
  return LINUX ? isAlive(identity) : signalProcess(identity.pid, 0);
}

/** Names this boot of the machine, as start times on Linux count from it; empty elsewhere. */
export function currentBoot(): string {
  return (readOrNull("/proc/sys/kernel/random/boot_id") ?? "").trim();
}

/** Signals a pid (or with a negative one its group); false when there is nobody. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
    // macOS answers EPERM for a group of which only unreaped remains are left.
    if (hasCode(error, "EPERM")) return signal === 0;
    throw error;
  }
}

/** The identity an instance wrote of itself: its pid, then what it knows of its start. */
export function parseIdentity(text: string): ProcessIdentity | null {
  const [first, second] = text.split("\n");
  const pid = Number(first);
  if (!Number.isSafeInteger(pid) || pid < 2 || second === undefined || second === "") return null;
  if (!LINUX) return { pid, startTime: second.trim() };
  const startTime = startTimeOfFields(second.slice(second.lastIndexOf(")") + 2).split(" "));
  return startTime === null ? null : { pid, startTime };
}

function startTimeOfFields(fields: readonly string[]): string | null {
  const state = fields[0];
  if (state === "Z" || state === "X") return null;
  // Field 22 of the file, counted from 1; ours begin with field 3.
  return fields[19] ?? null;
}

function startTimeByPs(pid: number): string | null {
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      encoding: "utf8",
      timeout: PS_TIMEOUT_MS,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim() === "" ? null : text.trim();
  } catch {
    // ps answers with an exit code when there is no such process.
    return null;
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // ESRCH: the process ended between opening and reading.
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return null;
    throw error;
  }
}

/** Whether an error of the system carries this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
