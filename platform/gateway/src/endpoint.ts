/**
 * One instance as the gateway sees it: its connections, whether it is healthy, and how many
 * requests are under way. Connections are undici clients, one request each, the one used last
 * taken first, so that a quiet endpoint lets the others go.
 */
import { Client } from "undici";
import type { Dispatcher } from "undici";
import type { KeyObject } from "node:crypto";
import type { EventEmitter } from "node:events";
import type { Endpoint as EndpointConfig } from "./config.ts";
import { CONNECT_TIMEOUT_MS, HEADER_BYTES_MAX, UPSTREAM_KEEP_ALIVE_MS } from "./limits.ts";
import { assertionSecret } from "@tideway/trust";

/** Connections kept for later; each costs a few kilobytes. */
const IDLE_CLIENTS_MAX = 64;

export class Endpoint {
  readonly config: EndpointConfig;
  readonly assertionKey: KeyObject;
  healthy = true;
  /** Requests under way, probes left out. */
  inFlight = 0;
  /** Time-outs of probes in a row. */
  probeTimeouts = 0;
  probing = false;
  #retired = false;
  #using = 0;
  readonly #idle: Client[] = [];

  constructor(config: EndpointConfig) {
    this.config = config;
    this.assertionKey = assertionSecret(config.assertionKey);
  }

  /** True once the configuration no longer has it: it gets no new requests. */
  get retired(): boolean {
    return this.#retired;
  }

  /** Sends a request; `done` must be called exactly once when undici is through with it. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): () => void {
    const client = this.#idle.pop() ?? this.#connect();
    this.#using++;
    client.dispatch(options, handler);
    return () => {
      this.#using--;
      if (this.#retired || this.#idle.length >= IDLE_CLIENTS_MAX) void client.close();
      else this.#idle.push(client);
    };
  }

  /** No new requests; idle connections close now, the others when their request is through. */
  retire(): void {
    this.#retired = true;
    for (const client of this.#idle.splice(0)) void client.close();
  }

  /** Connections that carry a request now. */
  get using(): number {
    return this.#using;
  }

  #connect(): Client {
    const client = new Client(this.config.url, {
      connect: { timeout: CONNECT_TIMEOUT_MS },
      keepAliveTimeout: UPSTREAM_KEEP_ALIVE_MS,
      keepAliveMaxTimeout: UPSTREAM_KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: 0,
      allowH2: false,
      pipelining: 1,
    });
    // The failure of a request reaches its handler; this only keeps a late one from being thrown.
    const events: EventEmitter = client;
    events.on("error", () => undefined);
    return client;
  }
}
