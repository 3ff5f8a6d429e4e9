/**
 * The last lines of a service's instances, and what came after a cursor. Whoever follows gets each
 * line once: the oldest new ones first, and the cursor moves on only over what was handed out. A
 * log that grew too large is copied aside and cut (platform/engine); its rest is read there.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { formatCursor, parseCursor } from "./log-cursor.ts";
import type { LogPosition } from "./log-cursor.ts";
import { readPart } from "./log-part.ts";

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
/** The cursor of so many files stays below the 4,000 characters that the api takes. */
const FILES_MAX = 48;
/** How much of the end of each file is searched at first. */
const TAIL_BYTES = 64 * 1_024;

interface LogFile {
  readonly revision: string;
  readonly instance: string;
  readonly path: string;
  readonly size: number;
}

interface Line {
  readonly file: LogFile;
  readonly text: string;
  /** Never before the time of the line before it in its file, so that sorting keeps their order. */
  readonly time: string;
  /** The position after this line. */
  readonly after: LogPosition;
}

interface FileRead {
  readonly file: LogFile;
  readonly lines: readonly Line[];
  readonly before: LogPosition;
  readonly after: LogPosition;
}

/** Reads at most half a megabyte of each of the newest files; older lines are in the files. */
export async function readLogs(query: LogQuery): Promise<LogAnswer> {
  const known = parseCursor(query.after);
  const limit = query.lines ?? LINES_DEFAULT;
  const reads: FileRead[] = [];
  for (const file of await listFiles(query)) {
    reads.push(await readFile(file, known === null ? null : (known.get(file.instance) ?? START)));
  }
  const ordered = reads.flatMap(({ lines }) => lines).sort(byTime);
  const shown = known === null ? ordered.slice(-limit) : ordered.slice(0, limit);
  const next = new Map(
    reads.map((read) => [
      read.file.instance,
      known === null ? read.after : positionAfter(read, shown),
    ]),
  );
  return {
    lines: shown.map(({ file, text }) => {
      return { revision: file.revision, instance: file.instance, text };
    }),
    next: formatCursor(next),
  };
}

/** An instance that came after the cursor was made is new from its first line on. */
const START: LogPosition = { offset: 0, aside: 0, shrunk: false };

function positionAfter(read: FileRead, shown: readonly Line[]): LogPosition {
  const mine = new Set(shown);
  const taken = read.lines.filter((line) => mine.has(line));
  if (taken.length === read.lines.length) return read.after;
  return taken.at(-1)?.after ?? read.before;
}

/** `before` is null for somebody who begins: then the end of the log is read. */
async function readFile(file: LogFile, before: LogPosition | null): Promise<FileRead> {
  const aside = await inodeOf(`${file.path}.1`);
  if (before === null) return readTail(file, aside);
  const wasCut = aside !== 0 && aside !== before.aside && before.offset > 0;
  if (!wasCut && file.size < before.offset) {
    // Cut a moment ago and about to be moved aside; or cut by hand, if it stays so.
    const after = before.shrunk ? { ...START, aside } : { ...before, shrunk: true };
    return { file, lines: [], before, after };
  }
  const lines: Line[] = [];
  if (wasCut) {
    const older = await readPart(`${file.path}.1`, before.offset, await sizeOf(`${file.path}.1`));
    addLines(lines, file, older.lines, before.aside);
    const after = { offset: older.end, aside: before.aside, shrunk: false };
    if (!older.isComplete) return { file, lines, before, after };
  }
  const part = await readPart(file.path, wasCut ? 0 : before.offset, file.size);
  addLines(lines, file, part.lines, aside);
  return { file, lines, before, after: { offset: part.end, aside, shrunk: false } };
}

async function readTail(file: LogFile, aside: number): Promise<FileRead> {
  const from = Math.max(0, file.size - TAIL_BYTES);
  const part = await readPart(file.path, from, file.size);
  const lines: Line[] = [];
  // The first one is what the search cut in two.
  addLines(lines, file, from > 0 ? part.lines.slice(1) : part.lines, aside);
  const after = { offset: part.end, aside, shrunk: false };
  return { file, lines, before: after, after };
}

/** A line without a time, as of a crash, belongs to the one before it. */
function addLines(
  lines: Line[],
  file: LogFile,
  added: readonly { readonly text: string; readonly end: number }[],
  aside: number,
): void {
  let time = lines.at(-1)?.time ?? "";
  for (const { text, end } of added) {
    const own = /"time":"([^"]{10,40})"/.exec(text)?.[1] ?? "";
    if (own > time) time = own;
    lines.push({ file, text, time, after: { offset: end, aside, shrunk: false } });
  }
}

/** Equal times compare as equal, so that lines of one file keep their order. */
function byTime(a: Line, b: Line): number {
  if (a.time === b.time) return 0;
  return a.time < b.time ? -1 : 1;
}

async function listFiles(query: LogQuery): Promise<LogFile[]> {
  const base = join(query.home, "logs", "instances");
  const pattern = new RegExp(`^${query.service}-\\d+$`);
  const revisions = (await names(base)).filter(
    (name) => pattern.test(name) && (query.revision ?? name) === name,
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

async function inodeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ ino }) => ino,
    () => 0,
  );
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
