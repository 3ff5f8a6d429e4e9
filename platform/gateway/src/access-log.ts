/**
 * One JSON line a request, without personal data: no query, no address, no person. Lines are
 * gathered and written each 100 ms; at 64 MB the file is set aside as `.1`, and one is kept.
 * A slow disk never holds up a request: what does not fit the buffer is dropped and counted.
 */
import { close, closeSync, fstatSync, openSync, renameSync, write, writeSync } from "node:fs";
import { LOG_BUFFER_BYTES_MAX, LOG_BYTES_MAX, LOG_FLUSH_MS } from "./limits.ts";

export interface AccessEntry {
  readonly traceId: string;
  readonly service: string | null;
  readonly revision: string | null;
  readonly instance: string | null;
  /** The route's template, never the path. */
  readonly route: string | null;
  /** Null: the connection broke before there was one. */
  readonly status: number | null;
  readonly durationMs: number;
  readonly bytes: number;
  /** The calling revision, for inner calls. */
  readonly caller: string | null;
}

export interface AccessLogOptions {
  readonly path: string;
  readonly now: () => number;
  readonly bytesMax?: number;
}

export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #timer: NodeJS.Timeout;
  #lines: string[] = [];
  #bufferedBytes = 0;
  #fd: number;
  #fileBytes: number;
  #isWriting = false;
  #dropped = 0;
  #stampMs = -1;
  #stamp = "";

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#fd = openSync(options.path, "a", 0o600);
    this.#fileBytes = fstatSync(this.#fd).size;
    this.#timer = setInterval(() => this.#flush(), LOG_FLUSH_MS);
    this.#timer.unref();
  }

  /** Lines lost because the disk was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  write(entry: AccessEntry): void {
    if (this.#bufferedBytes > LOG_BUFFER_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    // Every text here is made of names we chose or hex digits: nothing needs escaping.
    const line =
      `{"time":"${this.#time()}","trace":"${entry.traceId}","service":${quoted(entry.service)}` +
      `,"revision":${quoted(entry.revision)},"instance":${quoted(entry.instance)}` +
      `,"route":${quoted(entry.route)},"status":${entry.status},"ms":${entry.durationMs.toFixed(2)}` +
      `,"bytes":${entry.bytes},"caller":${quoted(entry.caller)}}\n`;
    this.#lines.push(line);
    this.#bufferedBytes += line.length;
  }

  /** Writes what is left and closes the file. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#lines.length > 0) writeSync(this.#fd, this.#take());
    closeSync(this.#fd);
  }

  #flush(): void {
    if (this.#isWriting || this.#lines.length === 0) return;
    if (this.#fileBytes > (this.#options.bytesMax ?? LOG_BYTES_MAX)) this.#rotate();
    const text = this.#take();
    this.#fileBytes += Buffer.byteLength(text);
    this.#isWriting = true;
    write(this.#fd, text, (error) => {
      this.#isWriting = false;
      if (error !== null) this.#dropped++;
    });
  }

  #take(): string {
    const text = this.#lines.join("");
    this.#lines = [];
    this.#bufferedBytes = 0;
    return text;
  }

  #rotate(): void {
    const full = this.#fd;
    renameSync(this.#options.path, `${this.#options.path}.1`);
    this.#fd = openSync(this.#options.path, "a", 0o600);
    this.#fileBytes = 0;
    close(full, () => undefined);
  }

  #time(): string {
    const nowMs = this.#options.now();
    if (nowMs !== this.#stampMs) {
      this.#stampMs = nowMs;
      this.#stamp = new Date(nowMs).toISOString();
    }
    return this.#stamp;
  }
}

function quoted(text: string | null): string {
  return text === null ? "null" : `"${text}"`;
}
