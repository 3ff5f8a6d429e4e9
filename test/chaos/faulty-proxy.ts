/**
 * A proxy for TCP and Unix sockets that misbehaves on request: it is late, slow, silent, closes one
 * half, closes late, or resets. In front of PostgreSQL it can also cut a connection around a COMMIT
 * (postgres-cut.ts). A fault holds for present and later connections until it is healed; a reset
 * and a half-close happen once.
 */
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { connect } from "node:net";
import { once } from "node:events";
import { sleep } from "@tideway/kernel";
import { watchCommits } from "./postgres-cut.ts";
import type { CommitWatch } from "./postgres-cut.ts";

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

export interface FaultyProxy {
  readonly address: Address;
  set(faults: Partial<ProxyFaults>): void;
  heal(): void;
  /** Ends every connection without a goodbye; answers how many. */
  reset(): number;
  /** Tells the server that the clients are done, but goes on passing its replies. */
  halfClose(): number;
  counts(): ProxyCounts;
  close(): Promise<void>;
}

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
  readonly watch: CommitWatch | null;
}

export async function startFaultyProxy(options: ProxyOptions): Promise<FaultyProxy> {
  const pairs = new Set<Pair>();
  const counts = { connections: 0, resets: 0, cutsBefore: 0, cutsAfter: 0 };
  let faults = NO_FAULTS;
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ ...options.target, allowHalfOpen: true });
    const watch = options.protocol === "postgres" ? watchCommits() : null;
    const pair: Pair = { client, server, watch };
    counts.connections++;
    pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay?.(true);
      // A broken side breaks the other; the pair is then forgotten.
      socket.on("error", () => end(pair));
      socket.on("close", () => end(pair));
    }
    const isCutBefore = (): boolean => isChosen(faults.cutBeforeCommitShare, "cutsBefore");
    const isCutAfter = (): boolean => isChosen(faults.cutAfterCommitShare, "cutsAfter");
    void pump(client, server, (piece) => watch?.fromClient(piece, isCutBefore) ?? piece);
    void pump(server, client, (piece) => watch?.fromServer(piece, isCutAfter) ?? piece);
  });
  await listenOn(listener, options.listen);

  function isChosen(share: number, kind: "cutsBefore" | "cutsAfter"): boolean {
    const chosen = share > 0 && options.random() < share;
    if (chosen) counts[kind]++;
    return chosen;
  }

  /** Passes bytes on until one side ends; `look` may hold some back or ask for a cut. */
  async function pump(from: Socket, to: Socket, look: (piece: Buffer) => Buffer | "cut") {
    try {
      for await (const chunk of from) {
        for (const piece of piecesOf(asBuffer(chunk))) {
          const passed = look(piece);
          if (passed === "cut") {
            abruptly(from, to);
            return;
          }
          await beLate(passed.length, from);
          if (to.destroyed) return;
          if (passed.length > 0 && !to.write(passed)) await once(to, "drain");
        }
      }
      await sleep(faults.slowCloseMs);
      to.end();
    } catch {
      // The connection broke under way, by a fault or by either side; the other must learn of it.
      abruptly(from, to);
    }
  }

  async function beLate(bytes: number, from: Socket): Promise<void> {
    while (faults.isSilent && !from.destroyed) await sleep(SILENCE_LOOK_MS);
    const { latencyMs, jitterMs, bytesPerSecond } = faults;
    const paceMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1_000;
    const waitMs = latencyMs + jitterMs * options.random() + paceMs;
    if (waitMs > 0) await sleep(waitMs);
  }

  function end(pair: Pair): void {
    pairs.delete(pair);
    if (pair.client.destroyed && !pair.server.destroyed)
      setTimeout(() => pair.server.destroy(), faults.slowCloseMs);
    if (pair.server.destroyed && !pair.client.destroyed)
      setTimeout(() => pair.client.destroy(), faults.slowCloseMs);
  }

  function reset(): number {
    const all = [...pairs];
    for (const { client, server } of all) abruptly(client, server);
    counts.resets += all.length;
    return all.length;
  }

  return {
    address: addressOf(listener, options.listen),
    set: (changed) => {
      faults = { ...faults, ...changed };
    },
    heal: () => {
      faults = NO_FAULTS;
    },
    reset,
    halfClose: () => {
      const all = [...pairs];
      for (const { server } of all) server.end();
      return all.length;
    },
    counts: () => ({ ...counts }),
    close: async () => {
      faults = NO_FAULTS;
      const closed = new Promise((resolve) => listener.close(resolve));
      reset();
      await closed;
    },
  };
}

/** RST on TCP; a Unix socket has no such thing and is just closed. */
function abruptly(...sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    if (socket.destroyed) continue;
    if (socket.remoteFamily === undefined) socket.destroy();
    else socket.resetAndDestroy();
  }
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

function addressOf(listener: Server, asked: Address): Address {
  const bound = listener.address();
  if ("path" in asked || bound === null || typeof bound === "string") return asked;
  return { host: bound.address, port: bound.port };
}
