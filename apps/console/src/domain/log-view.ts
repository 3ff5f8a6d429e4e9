/** Log lines as read: JSON lines become time, level and message; everything else stays as it is. */

export interface LogView {
  /** Milliseconds since 1970; null when the line does not say. */
  readonly atMs: number | null;
  readonly level: "debug" | "info" | "warn" | "error" | null;
  readonly message: string;
  /** The remaining fields as `name=value`, in the line's order. */
  readonly fields: string;
}

/** Fields that every line of a process repeats; the revision and instance stand beside the line. */
const REPEATED = new Set(["pid", "hostname", "v", "service", "revision", "instance"]);
const TIME_FIELDS = ["time", "at", "timestamp"];
const MESSAGE_FIELDS = ["msg", "message", "event"];

/** Never throws: a line that is not a JSON object is its own message. */
export function logView(text: string): LogView {
  const record = text.startsWith("{") ? parseRecord(text) : null;
  if (record === null) return { atMs: null, level: null, message: text, fields: "" };
  const timeField = TIME_FIELDS.find((name) => timeOf(record[name]) !== null);
  const messageField = MESSAGE_FIELDS.find((name) => typeof record[name] === "string");
  const used = new Set([timeField, messageField, "level"]);
  return {
    atMs: timeField === undefined ? null : timeOf(record[timeField]),
    level: levelOf(record["level"]),
    message: messageField === undefined ? "" : String(record[messageField]),
    fields: Object.entries(record)
      .filter(([name]) => !used.has(name) && !REPEATED.has(name))
      .map(([name, value]) => `${name}=${fieldText(value)}`)
      .join(" "),
  };
}

function parseRecord(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
    return { ...value };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function timeOf(value: unknown): number | null {
  if (typeof value === "number" && value > 1e12) return value;
  if (typeof value !== "string") return null;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? null : parsed;
}

/** Names, or pino's numbers: 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
function levelOf(value: unknown): LogView["level"] {
  if (value === "debug" || value === "info" || value === "warn" || value === "error") return value;
  if (value === "trace") return "debug";
  if (value === "fatal") return "error";
  if (typeof value !== "number") return null;
  if (value >= 50) return "error";
  if (value >= 40) return "warn";
  return value >= 30 ? "info" : "debug";
}

function fieldText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export interface BufferedLine {
  /** Counts up over the buffer's life; a key for rendering. */
  readonly sequence: number;
  readonly revision: string;
  readonly instance: string;
  readonly text: string;
}

/** The page keeps this many lines; the instances' files keep the rest. */
export const LOG_LINES_MAX = 2_000;

/** Appends fetched lines and drops the oldest beyond `LOG_LINES_MAX`. */
export function appendLines(
  buffer: readonly BufferedLine[],
  lines: readonly Omit<BufferedLine, "sequence">[],
): readonly BufferedLine[] {
  if (lines.length === 0) return buffer;
  const first = (buffer.at(-1)?.sequence ?? 0) + 1;
  const added = lines.map((line, index) => ({ ...line, sequence: first + index }));
  return [...buffer, ...added].slice(-LOG_LINES_MAX);
}

/** Keeps lines that contain every word of the filter, in any case. */
export function matchesFilter(line: BufferedLine, filter: string): boolean {
  const text = `${line.revision} ${line.instance} ${line.text}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
