import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { end, endsWithin, identify, isAlive } from "./identity.ts";
import type { ProcessOptions, ProcessStatus } from "./options.ts";
import { clearAfterCrash, findPostmaster, isPostgresReady } from "./postgres-crash.ts";
import { bindSocket } from "./sockets.ts";

const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 2_000;
const BACKOFF_RESET_MS = 30_000;

/** Keeps one process running until it is told to stop. */
export class Keeper {
  status: ProcessStatus;
  readonly #options: ProcessOptions;
  readonly #changed: () => void;
  readonly #stop = new AbortController();
  #sockets: ReturnType<typeof bindSocket>[] = [];
  #loop = Promise.resolve();

  /** `left` is what an earlier supervisor kept under this name. */
  constructor(options: ProcessOptions, left: ProcessStatus | undefined, changed: () => void) {
    const { name, stopSignal, fingerprint } = { ...options, ...left };
    const running = left?.running && isAlive(left.running) ? left.running : null;
    const idle = { upSinceMs: null, restarts: 0, lastExit: null };
    this.status = { name, stopSignal, fingerprint, state: "starting", running, ...idle };
    this.#options = options;
    this.#changed = changed;
  }

  /** Starts it, or adopts the one that runs; resolves when it is ready. */
  async start(): Promise<void> {
    const { fingerprint, stopGraceMs, postgres } = this.#options;
    const { running, stopSignal } = this.status;
    if (this.status.fingerprint !== fingerprint) {
      if (running) await end(running, stopSignal, stopGraceMs);
      this.#set({ running: null, fingerprint });
    }
    this.#loop = this.#keep();
    if (postgres) while (!this.#stop.signal.aborted && !isPostgresReady(postgres)) await sleep(20);
  }

  async stop(): Promise<void> {
    const { running } = this.status;
    this.#stop.abort();
    this.#set({ state: "stopping" });
    if (running) await end(running, this.#options.stopSignal, this.#options.stopGraceMs);
    await this.#loop;
    if (this.#options.postgres) await clearAfterCrash(this.#options.postgres);
    for (const socket of this.#sockets) socket.close();
    this.#set({ state: "stopped", running: null, upSinceMs: null });
  }

  async #keep(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      const startedAtMs = Date.now();
      const lastExit = await this.#runOnce().catch(String);
      if (this.#stop.signal.aborted) return;
      if (Date.now() - startedAtMs > BACKOFF_RESET_MS) failures = 0;
      const restarts = this.status.restarts + 1;
      this.#set({ state: "waiting", running: null, lastExit, restarts });
      const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
      await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Resolves with how it ended. */
  async #runOnce(): Promise<string> {
    const { postgres, command, args, cwd, env, uid, gid, listen, logFile } = this.#options;
    const running = this.status.running ?? (postgres ? findPostmaster(postgres) : null);
    if (running) {
      this.#set({ state: "up", running, upSinceMs: Date.now() });
      await endsWithin(running, Infinity);
      return "ended; only the supervisor that started it could have known how";
    }
    if (postgres) await clearAfterCrash(postgres);
    if (this.#stop.signal.aborted) return "not started";
    // What an adopted process listened on ended with the supervisor before us, so bind late.
    for (const { host, port } of listen.slice(this.#sockets.length))
      this.#sockets.push(bindSocket(host, port));
    const log = openSync(logFile, "a", 0o640);
    const stdio = ["ignore" as const, log, log, ...this.#sockets.map(({ fd }) => fd)];
    const child = spawn(command, args, { cwd, env, uid, gid, stdio, detached: true });
    closeSync(log);
    if (child.pid !== undefined)
      this.#set({ state: "up", running: identify(child.pid), upSinceMs: Date.now() });
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null]; // Node's.
    return `ended with ${signal ?? `code ${code}`}`;
  }

  #set(change: Partial<ProcessStatus>): void {
    this.status = { ...this.status, ...change };
    this.#changed();
  }
}
