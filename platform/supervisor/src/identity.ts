import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 100;
const linux = process.platform === "linux";

/** A pid is used again; a pid and when it began, in the system's own words, never is. */
export interface Identity {
  readonly pid: number;
  readonly start: string;
}

/** The process with this pid; null when it is gone or only a zombie is left. */
export function identify(pid: number): Identity | null {
  const text = linux ? readText(`/proc/${pid}/stat`) : ps("-o", "stat=,lstart=", "-p", String(pid));
  // The second field in /proc is the program's name, which may hold anything, brackets included.
  const fields = linux ? text.slice(text.lastIndexOf(")") + 2).split(" ") : text.split(/\s+/);
  if (text === "" || fields[0]?.startsWith("Z")) return null;
  return { pid, start: (linux ? fields[19] : fields.slice(1).join(" ")) ?? "" };
}

export function isAlive({ pid, start }: Identity): boolean {
  return identify(pid)?.start === start;
}

/** Every process's command line or title, by pid. */
export function commandLines(): Map<number, string> {
  const lines = linux ? readdirSync("/proc") : ps("-A", "-ww", "-o", "pid=,args=").split("\n");
  const entries = lines.map((line): [number, string] => {
    const [, pid = "", rest = ""] = /^\s*(\d+)\s*(.*)$/.exec(line) ?? [];
    return [Number(pid), linux ? readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ") : rest];
  });
  return new Map(entries);
}

/** Waits for the end of a process that need not be our child; false when it outlives `ms`. */
export async function endsWithin(identity: Identity, ms: number): Promise<boolean> {
  for (const deadline = Date.now() + ms; isAlive(identity); await sleep(POLL_MS))
    if (Date.now() > deadline) return false;
  return true;
}

/** Asks a process to end, and ends it when it has not done so after `graceMs`. */
export async function end(identity: Identity, signal: NodeJS.Signals, graceMs: number) {
  send(identity, signal);
  if (await endsWithin(identity, graceMs)) return;
  send(identity, "SIGKILL");
  await endsWithin(identity, graceMs);
}

function send(identity: Identity, signal: NodeJS.Signals): void {
  try {
    if (isAlive(identity)) process.kill(identity.pid, signal);
  } catch (error) {
    if (isAlive(identity)) throw error; // Otherwise it ended between the two calls.
  }
}

/** A file's text; none when it is gone, or hidden from us because it is another user's. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function ps(...args: string[]): string {
  return spawnSync("ps", args, { encoding: "utf8", timeout: 5_000 }).stdout.trim();
}
