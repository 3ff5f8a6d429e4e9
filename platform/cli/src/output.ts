/** Data goes to stdout; progress, notes and errors to stderr. */
import type { Writable } from "node:stream";
import { isCoded } from "@tideway/kernel";

export interface OutputOptions {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  readonly noColor?: boolean;
  /** Whether the reader asked for JSON. */
  readonly json?: boolean;
}

export interface Output {
  readonly json: boolean;
  /** A line of data on stdout. */
  data(line: string): void;
  /** The answer as one JSON document on stdout. */
  document(value: unknown): void;
  /** A line of progress on stderr. */
  note(line: string): void;
  /** Runs one step and prints a tick, its words and its time, or a cross when it throws. */
  step<T>(words: string, work: () => Promise<T> | T): Promise<T>;
  tick(words: string, elapsedMs?: number): void;
  cross(words: string): void;
  failure(error: unknown): void;
  bold(text: string): string;
  dim(text: string): string;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, env } = options;
  const plain = options.noColor === true || (env["NO_COLOR"] ?? "") !== "";
  const colours = stderr.isTTY === true && !plain;
  const paint = (code: number, text: string): string =>
    colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  const note = (line: string): void => void stderr.write(`${line}\n`);
  const tick = (words: string, elapsedMs?: number): void => {
    const time = elapsedMs === undefined ? "" : `  ${paint(2, seconds(elapsedMs))}`;
    note(`${paint(32, "✓")} ${words}${time}`);
  };
  const cross = (words: string): void => note(`${paint(31, "✗")} ${words}`);
  return {
    json: options.json ?? false,
    data: (line) => void stdout.write(`${line}\n`),
    document: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    note,
    tick,
    cross,
    failure: (error) => note(describe(error, (text) => paint(31, text))),
    step: async (words, work) => {
      const startedAtMs = performance.now();
      try {
        const value = await work();
        tick(words, performance.now() - startedAtMs);
        return value;
      } catch (error) {
        cross(words);
        throw error;
      }
    },
    bold: (text) => paint(1, text),
    dim: (text) => paint(2, text),
  };
}

/** What happened and what to do next; an unexpected error keeps its stack, for whoever mends it. */
function describe(error: unknown, red: (text: string) => string): string {
  if (isCoded(error)) return `${red(error.code)} ${error.message} ${error.action}`;
  if (error instanceof Error) return `${red("INTERNAL")} ${error.stack ?? error.message}`;
  return `${red("INTERNAL")} ${String(error)}`;
}

/** 0.04 s, 1.2 s, 75 s. */
export function seconds(ms: number): string {
  const value = ms / 1_000;
  if (value < 0.1) return `${value.toFixed(2)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
}

/** 40 ms, 1.2 s, 5 min, 3 h, 2 d. */
export function shortDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return seconds(ms);
  const minutes = ms / 60_000;
  if (minutes < 120) return `${Math.round(minutes)} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} d`;
}

/** 2026-01-31 08:00:00, from RFC 3339 in UTC. */
export function shortTime(timestamp: string): string {
  return timestamp.slice(0, 19).replace("T", " ");
}

/** Rows of text in columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
