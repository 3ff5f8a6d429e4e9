/**
 * A proxy for TCP and Unix sockets that misbehaves on request: it is late, slow, silent, closes one
 * half, closes late, or resets. In front of PostgreSQL it can also cut a connection around a COMMIT
 * (postgres-cut.ts). A fault holds for present and later connections until it is healed; a reset
 * and a half-close happen once.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { sleep } from "@tideway/kernel";
import { watchCommits } from "./postgres-cut.ts";

export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

export interface ProxyFaults {
  /** Each piece waits this long, and up to `jitterMs` longer. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Per direction and connection; null is unlimited. */
  readonly bytesPerSecond: number | null;
  /** Nothing is passed on, and nothing is closed: a cable is out. */
  readonly isSilent: boolean;
  /** When one side ends, the other learns of it this much later. */
  readonly slowCloseMs: number;
  /** Share of commits whose COMMIT never reaches the server, and of those whose reply is lost. */
  readonly cutBeforeCommitShare: number;
  readonly cutAfterCommitShare: number;
}

export const NO_FAULTS: ProxyFaults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: null,
  isSilent: false,
  slowCloseMs: 0,
  cutBeforeCommitShare: 0,
  cutAfterCommitShare: 0,
};

export interface ProxyCounts {
  readonly connections: number;
  readonly resets: number;
  /** Connections cut around a COMMIT that never arrived, and after one that was done. */
  readonly cutsBefore: number;
  readonly cutsAfter: number;
}

export interface ProxyOptions {
  /** A path, or port 0 for a free one. */
  readonly listen: Address;
  readonly target: Address;
  readonly protocol: "bytes" | "postgres";
  readonly random: () => number;
}

/** How often a silent direction looks whether it may speak again. */
const SILENCE_LOOK_MS = 20;
const PIECE_BYTES = 16_384;

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** Listens and passes on, without any fault at first. */
export async function startFaultyProxy(options: ProxyOptions): Promise<FaultyProxy> {
  const listener = createServer({ allowHalfOpen: true });
  const proxy = new FaultyProxy(options, listener);
  await listenOn(listener, options.listen);
  return proxy;
}

export class FaultyProxy {
  readonly #options: ProxyOptions;
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  readonly #counts = { connections: 0, resets: 0, cutsBefore: 0, cutsAfter: 0 };
  #faults = NO_FAULTS;

  constructor(options: ProxyOptions, listener: Server) {
    this.#options = options;
    this.#listener = listener;
    listener.on("connection", (client) => this.#begin(client));
  }

  get address(): Address {
    const { listen } = this.#options;
    const bound = this.#listener.address();
    if ("path" in listen || bound === null || typeof bound === "string") return listen;
    return { host: bound.address, port: bound.port };
  }

  set(changed: Partial<ProxyFaults>): void {
    this.#faults = { ...this.#faults, ...changed };
  }

  heal(): void {
    this.#faults = NO_FAULTS;
  }

  counts(): ProxyCounts {
    return { ...this.#counts };
  }

  /** Ends every connection without a goodbye; answers how many. */
  reset(): number {
    const all = [...this.#pairs];
    for (const { client, server } of all) abruptly(client, server);
    this.#counts.resets += all.length;
    return all.length;
  }

  /** Tells the server that the clients are done, but goes on passing its replies. */
  halfClose(): number {
    for (const { server } of this.#pairs) server.end();
    return this.#pairs.size;
  }

  async close(): Promise<void> {
    this.heal();
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.reset();
    await closed;
  }

  #begin(client: Socket): void {
    const server = connect({ ...this.#options.target, allowHalfOpen: true });
    const pair = { client, server };
    this.#counts.connections++;
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay();
      socket.on("error", () => {
        // Whoever reads from it learns of it too, and breaks the other side.
      });
      socket.on("close", () => {
        if (client.destroyed && server.destroyed) this.#pairs.delete(pair);
      });
    }
    const watch = this.#options.protocol === "postgres" ? watchCommits() : null;
    const before = (): boolean => this.#isCut(this.#faults.cutBeforeCommitShare, "cutsBefore");
    const after = (): boolean => this.#isCut(this.#faults.cutAfterCommitShare, "cutsAfter");
    void this.#pump(client, server, (piece) => watch?.fromClient(piece, before) ?? piece);
    void this.#pump(server, client, (piece) => watch?.fromServer(piece, after) ?? piece);
  }

  #isCut(share: number, kind: "cutsBefore" | "cutsAfter"): boolean {
    const isCut = share > 0 && this.#options.random() < share;
    if (isCut) this.#counts[kind]++;
    return isCut;
  }

  /** Passes bytes on until one side ends; `look` may hold some back or ask for a cut. */
  async #pump(from: Socket, to: Socket, look: (piece: Buffer) => Buffer | "cut"): Promise<void> {
    try {
      for await (const chunk of from) {
        for (const piece of piecesOf(asBuffer(chunk))) {
          const passed = look(piece);
          if (passed === "cut") throw new Error("It is cut here.");
          await this.#beLate(passed.length, from);
          if (to.destroyed) throw new Error("Nobody is left to pass it on to.");
          if (passed.length > 0 && !to.write(passed)) await drained(to);
        }
      }
      await sleep(this.#faults.slowCloseMs);
      to.end();
    } catch {
      // The connection broke, by a fault or by either side; both must learn of it.
      abruptly(from, to);
    }
  }

  async #beLate(bytes: number, from: Socket): Promise<void> {
    while (this.#faults.isSilent && !from.destroyed) await sleep(SILENCE_LOOK_MS);
    const { latencyMs, jitterMs, bytesPerSecond } = this.#faults;
    const paceMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1_000;
    const waitMs = latencyMs + jitterMs * this.#options.random() + paceMs;
    if (waitMs > 0) await sleep(waitMs);
  }
}

/** RST on TCP; a Unix socket has no such thing and is just closed. */
function abruptly(...sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    if (socket.destroyed) continue;
    if (socket.remoteFamily === undefined) socket.destroy();
    else socket.resetAndDestroy();
  }
}

/** A socket that is closed under way never drains. */
async function drained(socket: Socket): Promise<void> {
  await Promise.race([once(socket, "drain"), once(socket, "close")]);
}

function* piecesOf(chunk: Buffer): Generator<Buffer> {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
    yield chunk.subarray(at, at + PIECE_BYTES);
  }
}

function asBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  throw new TypeError("A socket without an encoding gives buffers.");
}

async function listenOn(listener: Server, address: Address): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(address, resolve);
  });
}
