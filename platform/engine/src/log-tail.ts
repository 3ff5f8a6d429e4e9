/**
 * Reads one growing log line by line, across its rotation, in bounded pieces.
 *
 * A cut log cannot be told by its size: it may have grown past our position again. It is told by
 * the part moved aside, which is another file after each rotation and appears after the cut.
 */
import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { hasCode } from "./process-identity.ts";

/** How much of the end is searched for the last lines. */
const TAIL_BYTES_MAX = 262_144;
const CHUNK_BYTES = 65_536;
/** A longer line is cut into pieces of this size. */
const LINE_CHARS_MAX = 16_384;

export class LogTail {
  readonly #path: string;
  #position = 0;
  /** Inode of the part moved aside when we last looked; null when there was none. */
  #movedAside: number | null = null;
  /** The log was shorter than our position, without a new part moved aside, at the last look. */
  #shrunk = false;
  #partial = "";
  #decoder = new StringDecoder("utf8");

  constructor(path: string) {
    this.#path = path;
  }

  /** The last complete lines and an incomplete one at the end; `added` goes on after them. */
  async last(linesMax: number): Promise<string[]> {
    this.#movedAside = await this.#inodeMovedAside();
    const file = await openOrNull(this.#path);
    if (file === null) return [];
    try {
      const { size } = await file.stat();
      const from = Math.max(0, size - TAIL_BYTES_MAX);
      const buffer = Buffer.alloc(size - from);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
      this.#position = from + bytesRead;
      const lines = this.#split(buffer.subarray(0, bytesRead));
      // The first one is what the search cut in two.
      if (from > 0) lines.shift();
      if (this.#partial !== "") lines.push(this.#takePartial());
      return lines.slice(-linesMax);
    } finally {
      await file.close();
    }
  }

  /** Each line completed since the last call. */
  async *added(): AsyncIterable<string> {
    const file = await openOrNull(this.#path);
    if (file === null) return;
    try {
      const movedAside = await this.#inodeMovedAside();
      if (movedAside !== null && movedAside !== this.#movedAside) {
        this.#movedAside = movedAside;
        yield* this.#readMovedAside();
        this.#position = 0;
      } else if ((await file.stat()).size < this.#position) {
        // Cut a moment ago and about to be moved aside; or cut by hand, if it stays so.
        if (this.#shrunk) this.#position = 0;
        this.#shrunk = !this.#shrunk;
        return;
      }
      this.#shrunk = false;
      yield* this.#readOn(file);
    } finally {
      await file.close();
    }
  }

  /** What we had not read before the cut is at the end of the part moved aside. */
  async *#readMovedAside(): AsyncIterable<string> {
    const older = await openOrNull(`${this.#path}.1`);
    if (older === null) return;
    try {
      yield* this.#readOn(older);
    } finally {
      await older.close();
    }
  }

  async #inodeMovedAside(): Promise<number | null> {
    try {
      return (await stat(`${this.#path}.1`)).ino;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  async *#readOn(file: FileHandle): AsyncIterable<string> {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      yield* this.#split(buffer.subarray(0, bytesRead));
    }
  }

  #split(bytes: Buffer): string[] {
    const text = this.#partial + this.#decoder.write(bytes);
    const pieces = text.split("\n");
    this.#partial = pieces.pop() ?? "";
    const lines = pieces.flatMap(cut);
    if (this.#partial.length > LINE_CHARS_MAX) lines.push(...cut(this.#takePartial()));
    return lines;
  }

  #takePartial(): string {
    const text = this.#partial;
    this.#partial = "";
    return text;
  }
}

function cut(line: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < line.length || from === 0; from += LINE_CHARS_MAX) {
    pieces.push(line.slice(from, from + LINE_CHARS_MAX));
  }
  return pieces;
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}
