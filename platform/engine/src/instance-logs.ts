/**
 * Instances write to files of their own, never to a pipe: a pipe whose reader died would end its
 * writer. Whoever wants to read along looks at the files.
 *
 *   logs/instances/<revision>/<instance>.log     what it writes now
 *   logs/instances/<revision>/<instance>.log.1   the part before, when it grew too large
 */
import { existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { copyFile, readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "@tideway/kernel";
import type { LogLine, RevisionId } from "./engine.ts";
import { LogTail } from "./log-tail.ts";
import { hasCode } from "./process-identity.ts";

export interface InstanceLogs {
  /** Opens the log for appending; the caller closes the descriptor. */
  open(revision: RevisionId, instance: string): number;
  has(revision: RevisionId): boolean;
  lastLines(revision: RevisionId, instance: string, linesMax: number): Promise<string[]>;
  /** The last lines of each log, then what is added, also by instances started later. */
  follow(revision: RevisionId, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Moves a log of more than `bytesMax` aside. */
  rotate(revision: RevisionId, instance: string, bytesMax: number): Promise<void>;
  /** Deletes the logs of ended instances but the `endedMax` newest. */
  prune(revision: RevisionId, running: ReadonlySet<string>, endedMax: number): Promise<void>;
}

const LINES_FIRST = 100;
const POLL_INTERVAL_MS = 100;
const LOG_FILE = /^(ins_[0-9a-z]{26})\.log$/;

/** The logs below `<home>/logs/instances`. */
export function openInstanceLogs(home: string): InstanceLogs {
  const folderOf = (revision: RevisionId): string => join(home, "logs", "instances", revision);
  const pathOf = (revision: RevisionId, instance: string): string =>
    join(folderOf(revision), `${instance}.log`);

  return {
    open(revision, instance) {
      mkdirSync(folderOf(revision), { recursive: true, mode: 0o700 });
      return openSync(pathOf(revision, instance), "a", 0o600);
    },
    has: (revision) => existsSync(folderOf(revision)) && readdirSync(folderOf(revision)).length > 0,
    async lastLines(revision, instance, linesMax) {
      const tail = new LogTail(pathOf(revision, instance));
      return tail.last(linesMax);
    },
    follow: (revision, signal) => follow(folderOf(revision), signal),
    rotate: (revision, instance, bytesMax) => rotate(pathOf(revision, instance), bytesMax),
    prune: (revision, running, endedMax) => prune(folderOf(revision), running, endedMax),
  };
}

async function* follow(folder: string, signal: AbortSignal): AsyncIterable<LogLine> {
  const tails = new Map<string, LogTail>();
  let first = true;
  while (!signal.aborted) {
    const instances = await instancesIn(folder);
    for (const known of tails.keys()) if (!instances.includes(known)) tails.delete(known);
    for (const instance of instances) {
      let tail = tails.get(instance);
      if (tail === undefined) {
        tail = new LogTail(join(folder, `${instance}.log`));
        tails.set(instance, tail);
        // What an instance wrote that started while we follow is new from its first line on.
        if (first) for (const text of await tail.last(LINES_FIRST)) yield { instance, text };
      }
      for await (const text of tail.added()) yield { instance, text };
      if (signal.aborted) return;
    }
    first = false;
    await sleep(POLL_INTERVAL_MS, signal);
  }
}

/**
 * Copies and cuts, as the writer keeps its descriptor: it appends, so it goes on at the start. What
 * it writes between the copy and the cut is lost; that is the price of not having to ask it. The
 * copy takes its name after the cut: whoever sees a new one knows that both have happened.
 */
async function rotate(path: string, bytesMax: number): Promise<void> {
  if ((await sizeOf(path)) <= bytesMax) return;
  await copyFile(path, `${path}.1.new`);
  await truncate(path, 0);
  await rename(`${path}.1.new`, `${path}.1`);
}

async function prune(
  folder: string,
  running: ReadonlySet<string>,
  endedMax: number,
): Promise<void> {
  const ended = (await instancesIn(folder)).filter((instance) => !running.has(instance));
  for (const instance of ended.slice(0, Math.max(0, ended.length - endedMax))) {
    for (const ending of ["log.1.new", "log.1", "log"]) {
      await rm(join(folder, `${instance}.${ending}`), { force: true });
    }
  }
}

/** Ids sort by time, so the oldest comes first. */
async function instancesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).flatMap((name) => LOG_FILE.exec(name)?.[1] ?? []).sort();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return 0;
    throw error;
  }
}
