/**
 * An instance's answer on its way to the client, with backpressure. The head waits for the first
 * piece of the body where one must come, so that a small answer leaves in one write.
 */
import type { ServerResponse } from "node:http";
import type { IncomingHttpHeaders } from "undici/types/header.js";
import type { Attempt } from "./attempt.ts";
import { STALL_MS } from "./limits.ts";
import { replyHead } from "./reply-head.ts";

/** Above this, copying the body costs more than a second piece. */
const ONE_PIECE_BYTES_MAX = 8_192;

export class Reply {
  readonly status: number;
  readonly #res: ServerResponse;
  readonly #attempt: Attempt;
  readonly #contentLength: number | null;
  #head: string[] | null;
  #stall: NodeJS.Timeout | null = null;
  #bytes = 0;

  constructor(
    res: ServerResponse,
    attempt: Attempt,
    status: number,
    headers: IncomingHttpHeaders,
    extra: readonly string[],
  ) {
    const head = replyHead(headers);
    for (const text of extra) head.headers.push(text);
    this.#res = res;
    this.#attempt = attempt;
    this.status = status;
    this.#head = head.headers;
    this.#contentLength = head.contentLength;
    // A stream may be silent for long after its head; the client wants to see the head at once.
    if (head.contentLength === null) process.nextTick(() => this.#flush());
  }

  /** Bytes of the body handed to the client's connection. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True when the client may have seen a part of it. */
  get begun(): boolean {
    return this.#res.headersSent;
  }

  write(chunk: Buffer): void {
    const res = this.#res;
    this.#bytes += chunk.length;
    if (this.#bytes === this.#contentLength) {
      this.#writeHead();
      // As text, Node sends head and body in one piece; latin1 keeps every byte as it is.
      if (chunk.length <= ONE_PIECE_BYTES_MAX) res.end(chunk.toString("latin1"), "latin1");
      else res.end(chunk);
      return;
    }
    this.#writeHead();
    if (res.write(chunk)) return;
    this.#attempt.pause();
    this.#stall = setTimeout(() => res.destroy(), STALL_MS);
    res.once("drain", () => {
      this.stop();
      this.#attempt.resume();
    });
  }

  end(): void {
    this.#writeHead();
    if (!this.#res.writableEnded) this.#res.end();
  }

  /** Forgets the timer of a stalled client. */
  stop(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
  }

  #writeHead(): void {
    if (this.#head === null) return;
    this.#res.writeHead(this.status, this.#head);
    this.#head = null;
  }

  #flush(): void {
    if (this.#head === null || this.#res.destroyed) return;
    try {
      this.#writeHead();
      this.#res.flushHeaders();
    } catch (error) {
      // The instance sent a header no server may send; thrown here it would end the process.
      this.#attempt.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
