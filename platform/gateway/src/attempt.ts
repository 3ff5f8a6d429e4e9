/** One try to get an answer from one endpoint, as undici reports it. */
import type { Dispatcher } from "undici";
import type { IncomingHttpHeaders } from "undici/types/header.js";
import type { Endpoint } from "./endpoint.ts";
import type { Revision } from "./revision.ts";

/** Who made the attempt. Nothing is called after `cancel`. */
export interface AttemptOwner {
  onHead(status: number, headers: IncomingHttpHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(error: Error, attempt: Attempt): void;
}

type Controller = Dispatcher.DispatchController;

export class Attempt implements Dispatcher.DispatchHandler {
  readonly endpoint: Endpoint;
  readonly revision: Revision;
  readonly #owner: AttemptOwner;
  #controller: Controller | null = null;
  #release: (() => void) | null = null;
  #isOver = false;
  #isCancelled = false;

  constructor(owner: AttemptOwner, revision: Revision, endpoint: Endpoint) {
    this.#owner = owner;
    this.revision = revision;
    this.endpoint = endpoint;
  }

  /** True when a byte of the request may have gone out. */
  get sent(): boolean {
    return this.#controller !== null;
  }

  start(options: Dispatcher.DispatchOptions): void {
    this.revision.begin(this.endpoint);
    this.#release = this.endpoint.dispatch(options, this);
    // A request undici refuses outright fails before dispatch returns.
    if (this.#isOver) this.#free();
  }

  /** The client is gone or its time is up. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isCancelled = true;
    this.#controller?.abort(new Error("cancelled"));
  }

  /** The answer cannot be handed on: ends it as an error, which reaches the owner. */
  fail(error: Error): void {
    if (!this.#isOver) this.#controller?.abort(error);
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isCancelled) controller.abort(new Error("cancelled"));
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHttpHeaders): void {
    // Informational answers (103) end at this hop.
    if (status >= 200 && !this.#isCancelled) this.#owner.onHead(status, headers);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (!this.#isCancelled) this.#owner.onData(chunk);
  }

  onResponseEnd(): void {
    this.#over();
    if (!this.#isCancelled) this.#owner.onEnd();
  }

  onResponseError(_: Controller, error: Error): void {
    this.#over();
    if (!this.#isCancelled) this.#owner.onError(error, this);
  }

  #over(): void {
    this.#isOver = true;
    this.#free();
  }

  #free(): void {
    const release = this.#release;
    if (release === null) return;
    this.#release = null;
    release();
    this.revision.end(this.endpoint);
  }
}
