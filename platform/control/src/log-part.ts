/** Whole lines between two offsets of a file that grows. */
import { open } from "node:fs/promises";

export interface LogPart {
  readonly lines: readonly LogPartLine[];
  /** Where the next read begins: a half-written last line is left for then. */
  readonly end: number;
  /** Nothing is left up to the end that was asked for, but a half-written line perhaps. */
  readonly isComplete: boolean;
}

export interface LogPartLine {
  readonly text: string;
  /** Where the line after it begins. */
  readonly end: number;
}

const BYTES_MAX = 512 * 1_024;
const TEXT_CHARS_MAX = 8_192;
const NEWLINE = 0x0a;

/** Reads at most half a megabyte. A longer line is cut there; what is shown of a line is less. */
export async function readPart(path: string, from: number, to: number): Promise<LogPart> {
  const length = Math.min(to - from, BYTES_MAX);
  if (length <= 0) return { lines: [], end: from, isComplete: true };
  const buffer = Buffer.alloc(length);
  const bytesRead = await readInto(buffer, path, from);
  const bytes = buffer.subarray(0, bytesRead);
  const lines: LogPartLine[] = [];
  let start = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, start)) {
    if (at > start) lines.push({ text: textOf(bytes.subarray(start, at)), end: from + at + 1 });
    start = at + 1;
  }
  if (start === 0 && bytesRead === BYTES_MAX) {
    start = bytesRead;
    lines.push({ text: textOf(bytes), end: from + bytesRead });
  }
  return { lines, end: from + start, isComplete: from + length >= to };
}

async function readInto(buffer: Buffer, path: string, from: number): Promise<number> {
  const handle = await open(path, "r");
  try {
    return (await handle.read(buffer, 0, buffer.length, from)).bytesRead;
  } finally {
    await handle.close();
  }
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}...` : text;
}
