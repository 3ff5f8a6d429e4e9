/**
 * The body of a request on its way to an instance. A small one is read whole first: an instance is
 * not kept waiting by a slow client, and the request can be sent again. A larger one is passed on
 * as it comes, with backpressure, after its first 64 KiB. Both are cut at the route's limit.
 */
import { commonErrors } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";
import type { IncomingMessage } from "node:http";
import { gatewayErrors } from "./errors.ts";
import { BODY_BUFFER_BYTES_MAX } from "./limits.ts";
import type { RequestHead } from "./request-head.ts";

export class RequestBody {
  readonly #req: IncomingMessage;
  readonly #limitBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #complete: boolean;
  #started = false;
  #awaitsClient = true;
  #stop: () => void = () => undefined;

  constructor(req: IncomingMessage, head: RequestHead, limitBytes: number) {
    this.#req = req;
    this.#limitBytes = limitBytes;
    this.#complete = !head.chunked && (head.contentLength ?? 0) === 0;
    if (head.contentLength !== null && head.contentLength > limitBytes) throw tooLarge(limitBytes);
  }

  /** True when the client has sent all of it. */
  get complete(): boolean {
    return this.#complete;
  }

  /** True while the next piece has to come from the client, not be taken by the instance. */
  get awaitsClient(): boolean {
    return !this.#complete && this.#awaitsClient;
  }

  /** False once a part went out that is no longer here. */
  get replayable(): boolean {
    return this.#complete || !this.#started;
  }

  /** Calls `ready` when there is enough to send it on, or with BODY_TOO_LARGE. */
  collect(ready: (error: CodedError | null) => void): void {
    if (this.#complete) {
      ready(null);
      return;
    }
    const req = this.#req;
    const finish = (error: CodedError | null): void => {
      this.#stop();
      ready(error);
    };
    const onData = (chunk: Buffer): void => {
      this.#bytes += chunk.length;
      this.#chunks.push(chunk);
      if (this.#bytes > this.#limitBytes) finish(tooLarge(this.#limitBytes));
      else if (this.#bytes > BODY_BUFFER_BYTES_MAX) finish(null);
    };
    const onEnd = (): void => {
      this.#complete = true;
      finish(null);
    };
    this.#stop = () => {
      req.off("data", onData).off("end", onEnd).pause();
    };
    req.on("data", onData).on("end", onEnd);
  }

  /** Stops reading; for a request that ends before its body does. */
  abandon(): void {
    if (!this.#complete) this.#stop();
  }

  /** What to send: nothing, the whole, or a stream. */
  payload(): Buffer | AsyncIterable<Buffer> | null {
    if (!this.#complete) return this.#stream();
    if (this.#chunks.length === 0) return null;
    const only = this.#chunks[0];
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
  }

  async *#stream(): AsyncGenerator<Buffer> {
    this.#started = true;
    this.#awaitsClient = false;
    yield* this.#chunks.splice(0);
    // The client's connection must outlive this loop: an answer may still go back on it.
    const rest = this.#req.iterator({ destroyOnReturn: false });
    for (;;) {
      const chunk = await this.#next(rest);
      if (chunk === null) break;
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limitBytes) throw tooLarge(this.#limitBytes);
      yield chunk;
    }
    this.#complete = true;
  }

  async #next(rest: AsyncIterator<Buffer>): Promise<Buffer | null> {
    this.#awaitsClient = true;
    try {
      const item = await rest.next();
      return item.done === true ? null : item.value;
    } catch (cause) {
      // Broken off by the client: as a coded error it is labelled at nobody.
      throw gatewayErrors.error("REQUEST_MALFORMED", { cause });
    } finally {
      this.#awaitsClient = false;
    }
  }
}

function tooLarge(limitBytes: number): CodedError {
  return commonErrors.error("BODY_TOO_LARGE", { given: { limitBytes } });
}
