/** Runs instances as processes of this machine. */
import type { ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { present } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Driver, InstanceEnd, RunningInstance, StartOrder } from "./driver.ts";
import { engineErrors } from "./errors.ts";
import { openInstanceLogs } from "./instance-logs.ts";
import type { InstanceLogs } from "./instance-logs.ts";
import { startProcess } from "./instance-process.ts";
import { openRecordStore } from "./instance-record.ts";
import type { InstanceRecord, RecordStore } from "./instance-record.ts";
import { readProcessStats } from "./instance-stats.ts";
import { openListeningSocket } from "./listening-socket.ts";
import type { EngineLimits } from "./options.ts";
import {
  currentBoot,
  isAlive,
  seemsAlive,
  signalProcess,
  startTimeOf,
} from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";

export interface ProcessDriverOptions {
  readonly home: string;
  readonly node: string;
  readonly memoryLimitMb: number;
  readonly clock: Clock;
  readonly limits: EngineLimits;
  readonly onError: (error: unknown) => void;
}

const LIVENESS_INTERVAL_MS = 100;

interface Running {
  record: InstanceRecord;
  readonly identity: ProcessIdentity;
  /** Null for what an earlier engine started: it is no child of ours. */
  readonly child: ChildProcess | null;
  readonly ended: Promise<InstanceEnd>;
  readonly end: (end: InstanceEnd) => void;
}

export function createProcessDriver(options: ProcessDriverOptions): Driver {
  return new ProcessDriver(options);
}

class ProcessDriver implements Driver {
  readonly #options: ProcessDriverOptions;
  readonly #records: RecordStore;
  readonly #logs: InstanceLogs;
  readonly #boot = currentBoot();
  readonly #running = new Map<string, Running>();
  readonly #timers: NodeJS.Timeout[];
  #rotating = false;
  #closed = false;

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#records = openRecordStore(join(options.home, "run", "instances"));
    this.#logs = openInstanceLogs(options.home);
    this.#timers = [
      setInterval(() => this.#lookAfterAdopted(), LIVENESS_INTERVAL_MS),
      setInterval(() => this.#rotateLogs(), options.limits.logCheckIntervalMs),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  async start(order: StartOrder): Promise<RunningInstance> {
    try {
      const running = await this.#spawn(order);
      running.child?.once("exit", (code, signal) => this.#ended(running, { code, signal }));
      return describe(running.record);
    } catch (cause) {
      this.#forget(order.instance);
      const problem = cause instanceof Error ? cause.message : String(cause);
      const given = { instance: order.instance, revision: order.revision.id, problem };
      throw engineErrors.error("ENGINE_START_FAILED", { given, cause });
    }
  }

  async #spawn(order: StartOrder): Promise<Running> {
    const { child, record: planned } = await this.#spawnOnce(order);
    const pid = present(child.pid, "A started process has a pid.");
    // Not reaped before the event loop runs, so the pid is still its own; null if it is over.
    const startTime = startTimeOf(pid);
    const record = { ...planned, pid, startTime };
    try {
      this.#records.write(record);
    } catch (error) {
      // Nobody would find what is not written down.
      signalProcess(-pid, "SIGKILL");
      throw error;
    }
    return this.#keep(record, { pid, startTime: startTime ?? "" }, child);
  }

  /** All of it happens in one turn; listening-socket.ts says why. */
  #spawnOnce(order: StartOrder): Promise<{ child: ChildProcess; record: InstanceRecord }> {
    const { node, memoryLimitMb } = this.#options;
    const log = this.#logs.open(order.revision.id, order.instance);
    try {
      const socket = openListeningSocket();
      try {
        const record = this.#plan(order, socket.port);
        this.#records.write(record);
        return startProcess({
          node,
          folder: order.revision.folder,
          memoryLimitMb,
          environment: { ...order.environment, TIDEWAY_LISTEN: "fd:3" },
          socket: socket.descriptor,
          log,
          identityPath: this.#records.identityPath(order.instance),
          recordPath: this.#records.recordPath(order.instance),
        }).then((child) => ({ child, record }));
      } finally {
        socket.close();
      }
    } finally {
      closeSync(log);
    }
  }

  stop(instance: string, signal: "SIGTERM" | "SIGKILL"): void {
    const running = this.#running.get(instance);
    if (running === undefined) return;
    const { child, identity } = running;
    // Until node has reported its end, a child's pid cannot belong to anybody else.
    const ours = child === null ? isAlive(identity) : !hasExited(child);
    if (ours) signalProcess(-identity.pid, signal);
  }

  async list(): Promise<RunningInstance[]> {
    for (const instance of this.#records.listStrays()) this.#abandon(instance);
    for (const found of this.#records.list()) {
      if (this.#running.has(found.instance)) continue;
      const identity = found.boot === this.#boot ? this.#identify(found) : null;
      if (identity === null) this.#abandon(found.instance, found.boot === this.#boot);
      else if (!isAlive(identity)) this.#forget(found.instance);
      else this.#keep({ ...found, ...identity }, identity, null);
    }
    return [...this.#running.values()].map((running) => describe(running.record));
  }

  watch(instance: string): Promise<InstanceEnd> {
    const running = this.#running.get(instance);
    return running === undefined ? Promise.resolve({ code: null, signal: null }) : running.ended;
  }

  note(instance: string, learned: { readyAtMs?: number; draining?: true }): void {
    const running = this.#running.get(instance);
    // A record of what has ended must not come back.
    if (running === undefined || this.#closed) return;
    running.record = { ...running.record, ...learned };
    try {
      this.#records.write(running.record);
    } catch (error) {
      // A full disk costs the successor this knowledge, and nobody an instance.
      this.#options.onError(error);
    }
  }

  async stats(instance: string) {
    const identity = this.#running.get(instance)?.identity;
    if (identity === undefined) return null;
    const stats = await readProcessStats(identity.pid);
    // Checked afterwards: only then is it certain whose numbers these are.
    if (stats === null || !this.#running.has(instance)) return null;
    return { instance, ...stats };
  }

  lastLines(revision: string, instance: string, linesMax: number): Promise<string[]> {
    return this.#logs.lastLines(revision, instance, linesMax);
  }

  hasLogs(revision: string): boolean {
    return this.#logs.has(revision);
  }

  logs(revision: string, signal: AbortSignal) {
    return this.#logs.follow(revision, signal);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  #plan(order: StartOrder, port: number): InstanceRecord {
    return {
      recordVersion: 1,
      instance: order.instance,
      revision: order.revision.id,
      epoch: order.epoch,
      pid: null,
      startTime: null,
      boot: this.#boot,
      port,
      authHash: order.authHash,
      assertionKey: order.assertionKey,
      startedAtMs: this.#options.clock.now(),
      readyAtMs: null,
      restarts: order.restarts,
      draining: false,
    };
  }

  #keep(record: InstanceRecord, identity: ProcessIdentity, child: ChildProcess | null): Running {
    const { promise, resolve } = Promise.withResolvers<InstanceEnd>();
    const running = { record, identity, child, ended: promise, end: resolve };
    this.#running.set(record.instance, running);
    return running;
  }

  #identify(record: InstanceRecord): ProcessIdentity | null {
    const { pid, startTime } = record;
    if (pid !== null && startTime !== null) return { pid, startTime };
    return this.#records.readIdentity(record.instance);
  }

  /** Gives up what was being started when its engine died. The order is in instance-record.ts. */
  #abandon(instance: string, sameBoot = true): void {
    this.#records.removeRecord(instance);
    const identity = this.#records.readIdentity(instance);
    if (sameBoot && identity !== null && isAlive(identity)) signalProcess(-identity.pid, "SIGKILL");
    this.#records.removeIdentity(instance);
  }

  #forget(instance: string): void {
    this.#running.delete(instance);
    this.#records.removeRecord(instance);
    this.#records.removeIdentity(instance);
  }

  #ended(running: Running, end: InstanceEnd): void {
    // What remains belongs to the successor, or to nobody who could ask us.
    if (this.#closed) return;
    const { instance, revision } = running.record;
    // What it started may outlive it. The number of its group is not given out again this soon.
    signalProcess(-running.identity.pid, "SIGKILL");
    this.#forget(instance);
    running.end(end);
    const still = new Set(this.#running.keys());
    this.#logs
      .prune(revision, still, this.#options.limits.logsEndedMax)
      .catch(this.#options.onError);
  }

  #lookAfterAdopted(): void {
    for (const running of this.#running.values()) {
      if (running.child !== null || seemsAlive(running.identity)) continue;
      this.#ended(running, { code: null, signal: null });
    }
  }

  #rotateLogs(): void {
    if (this.#rotating) return;
    this.#rotating = true;
    const { limits, onError } = this.#options;
    const rotations = [...this.#running.values()].map(({ record }) =>
      this.#logs.rotate(record.revision, record.instance, limits.logBytesMax).catch(onError),
    );
    void Promise.all(rotations).finally(() => {
      this.#rotating = false;
    });
  }
}

function describe(record: InstanceRecord): RunningInstance {
  const { recordVersion: _version, startTime: _start, boot: _boot, port, ...known } = record;
  return { ...known, url: `http://127.0.0.1:${port}` };
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
