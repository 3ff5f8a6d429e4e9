import * as fs from "node:fs";

const TAIL_BYTES = 16_384;

const LOOKED_AT = 30;

/** The line of a log's end that most likely says why: the last that names an error, or the last. */
export function tellingLine(file: string): string | null {
  const lines = lastLines(file, LOOKED_AT).map((line) => line.trim());
  // A stack's lines may name errors too, but only after the message itself.
  const naming = lines.filter((line) => /error|fatal|panic/i.test(line) && !line.startsWith("at "));
  return naming.at(-1) ?? lines.at(-1) ?? null;
}

/** The last lines of a log, for an error message; none when there is no such file. */
export function lastLines(file: string, count: number): string[] {
  const { size = 0 } = fs.statSync(file, { throwIfNoEntry: false }) ?? {};
  if (size === 0) return [];
  const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
  const handle = fs.openSync(file, "r");
  try {
    fs.readSync(handle, buffer, 0, buffer.length, size - buffer.length);
  } finally {
    fs.closeSync(handle);
  }
  return buffer
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count);
}
