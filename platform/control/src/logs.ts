/** The last lines of a service's instances, and what came after a cursor. */
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { TextDecoder } from "node:util";

export interface LogQuery {
  readonly home: string;
  readonly service: string;
  readonly lines?: number;
  readonly revision?: string;
  /** `next` of the answer before. */
  readonly after?: string;
}

export interface LogAnswer {
  readonly lines: { revision: string; instance: string; text: string }[];
  readonly next: string;
}

const LINES_DEFAULT = 200;
const BYTES_MAX = 512 * 1_024;
const FILES_MAX = 64;
const TEXT_MAX = 8_192;

interface LogFile {
  readonly revision: string;
  readonly instance: string;
  readonly path: string;
  readonly size: number;
}

/** Reads at most half a megabyte a file; older lines are in the files themselves. */
export async function readLogs(query: LogQuery): Promise<LogAnswer> {
  const files = await listFiles(query);
  const offsets = parseCursor(query.after);
  const next: Record<string, number> = {};
  const collected: LogAnswer["lines"] = [];
  for (const file of files) {
    const known = offsets[file.instance];
    const from = known === undefined || known > file.size ? tailStart(file.size) : known;
    const chunk = await readWhole(file.path, from, file.size);
    next[file.instance] = from + chunk.bytes;
    for (const text of chunk.lines) {
      collected.push({ revision: file.revision, instance: file.instance, text });
    }
  }
  const ordered = collected.sort((a, b) => (timeOf(a.text) < timeOf(b.text) ? -1 : 1));
  const limit = query.lines ?? LINES_DEFAULT;
  return { lines: ordered.slice(-limit), next: JSON.stringify(next) };
}

async function listFiles(query: LogQuery): Promise<LogFile[]> {
  const base = join(query.home, "logs", "instances");
  const pattern = new RegExp(`^${query.service}-\\d+$`);
  const revisions = (await names(base)).filter((name) =>
    query.revision === undefined ? pattern.test(name) : name === query.revision,
  );
  const files: (LogFile & { readonly changedMs: number })[] = [];
  for (const revision of revisions) {
    for (const name of await names(join(base, revision))) {
      if (!name.endsWith(".log")) continue;
      const path = join(base, revision, name);
      const about = await stat(path).catch(() => null);
      if (about === null) continue;
      const instance = name.slice(0, -".log".length);
      files.push({ revision, instance, path, size: about.size, changedMs: about.mtimeMs });
    }
  }
  return files.sort((a, b) => b.changedMs - a.changedMs).slice(0, FILES_MAX);
}

/** Whole lines between two offsets; a half-written last one is left for the next time. */
async function readWhole(
  path: string,
  from: number,
  to: number,
): Promise<{ readonly lines: string[]; readonly bytes: number }> {
  const length = Math.min(to - from, BYTES_MAX);
  if (length <= 0) return { lines: [], bytes: 0 };
  const handle = await open(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, from);
    const end = buffer.lastIndexOf(0x0a, bytesRead - 1) + 1;
    const text = new TextDecoder().decode(buffer.subarray(0, end));
    const lines = text.split("\n").filter((line) => line !== "");
    return { lines: lines.map((line) => line.slice(0, TEXT_MAX)), bytes: end };
  } finally {
    await handle.close();
  }
}

function tailStart(size: number): number {
  return Math.max(0, size - BYTES_MAX / 8);
}

function parseCursor(text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    const entries = Object.entries(value ?? {}).filter(
      (entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && entry[1] >= 0,
    );
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

function timeOf(line: string): string {
  return /"time":"([^"]+)"/.exec(line)?.[1] ?? "";
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
