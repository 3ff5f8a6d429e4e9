/**
 * A place is where one instance of a revision runs, and the next one after that has ended.
 *
 *            +------------- ended, unasked: wait, then start again ------------+
 *            v                                                                 |
 *   (start) starting --/ready 200--> ready --probes fail--> starting --> ... failed
 *                                      |
 *                                      +--drain--> draining --SIGTERM, SIGKILL--> (gone)
 *
 * Each start has an id and a secret of its own, so nobody can take a new instance for the one it
 * replaces. Invariant: a place runs at most one process, and starts none once it drains.
 */
import { newId, sleep } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { assertionKeyOf, authHashOf, newInstanceSecret } from "@tideway/trust";
import {
  describeEnd,
  describeLate,
  describeNotStarted,
  describeUnready,
} from "./describe-failure.ts";
import type { Driver, RunningInstance } from "./driver.ts";
import type { InstanceFailure, InstanceState, Revision, RevisionId } from "./engine.ts";
import { engineErrors } from "./errors.ts";
import { keepProbing } from "./health.ts";
import type { HealthOutcome } from "./health.ts";
import type { EngineLimits, EnvironmentOf } from "./options.ts";
import { restartWaitMs } from "./restart-policy.ts";
import { within } from "./within.ts";

export interface PlaceContext {
  readonly driver: Driver;
  readonly environment: EnvironmentOf;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: EngineLimits;
  /** The engine closes: stop looking, leave running. */
  readonly closing: AbortSignal;
}

export interface PlaceOptions {
  readonly revisionId: RevisionId;
  /** Null for an adopted instance whose revision nobody has ensured yet. */
  readonly revision: Revision | null;
  readonly adopted: RunningInstance | null;
  readonly epoch: () => number;
  readonly changed: () => void;
}

const FAILURE_LOG_LINES = 20;

export class Place {
  /** Resolves when nothing runs here and nothing will, or when the engine closes. */
  readonly gone: Promise<void>;
  readonly #context: PlaceContext;
  readonly #options: PlaceOptions;
  readonly #draining = new AbortController();
  readonly #interrupted: AbortSignal;
  readonly #closed: Promise<void>;
  #revision: Revision | null;
  #state: InstanceState;
  #running = false;
  #failing: InstanceFailure | null = null;
  #lastFailure: InstanceFailure | null = null;
  #failedStarts = 0;
  #earlyEnds = 0;
  #terminated: Promise<void> | null = null;

  constructor(context: PlaceContext, options: PlaceOptions) {
    this.#context = context;
    this.#options = options;
    this.#revision = options.revision;
    this.#interrupted = AbortSignal.any([context.closing, this.#draining.signal]);
    this.#closed = aborted(context.closing);
    const { adopted } = options;
    this.#state =
      adopted === null ? this.#fresh("", 0) : stateOf(adopted, adopted.readyAtMs !== null);
    this.#running = adopted !== null;
    this.gone = this.#live(adopted);
  }

  /** Null before the first start has been tried. */
  state(): InstanceState | null {
    return this.#state.instance === "" ? null : this.#state;
  }

  /** Set while this place keeps failing to get an instance ready. */
  failing(): InstanceFailure | null {
    return this.#failing;
  }

  drains(): boolean {
    return this.#draining.signal.aborted;
  }

  /** An adopted place learns how to start its next instance. */
  claim(revision: Revision): void {
    this.#revision = revision;
  }

  /**
   * Announces, sends SIGTERM, after `graceMs` SIGKILL; resolves when the process is gone. Called
   * again it may shorten the grace. Throws ENGINE_INSTANCE_STUCK, ENGINE_CLOSED.
   */
  async drain(graceMs: number): Promise<void> {
    const { driver, limits, closing } = this.#context;
    this.#terminated ??= this.#terminate();
    await this.#terminated;
    if (!(await within(this.gone, graceMs))) {
      driver.stop(this.#state.instance, "SIGKILL");
      if (!(await within(this.gone, limits.stuckAfterMs))) {
        const { instance, pid } = this.#state;
        const given = { instance, pid: pid ?? "unknown", waitedMs: limits.stuckAfterMs };
        throw engineErrors.error("ENGINE_INSTANCE_STUCK", { given });
      }
    }
    if (closing.aborted) throw engineErrors.error("ENGINE_CLOSED");
  }

  async #terminate(): Promise<void> {
    const { driver, limits, closing } = this.#context;
    const wasReady = this.#state.status === "ready";
    this.#draining.abort();
    if (!this.#running) return;
    this.#announceDraining();
    if (wasReady) await sleep(limits.drainNoticeMs, closing);
    if (!closing.aborted) driver.stop(this.#state.instance, "SIGTERM");
  }

  #announceDraining(): void {
    this.#context.driver.note(this.#state.instance, { draining: true });
    this.#set({ status: "draining" });
  }

  async #live(adopted: RunningInstance | null): Promise<void> {
    // The caller first learns of this place, then of what it does.
    await Promise.resolve();
    let running = adopted;
    while (!this.#context.closing.aborted) {
      if (running === null && this.#revision !== null) running = await this.#start(this.#revision);
      if (running !== null) await this.#accompany(running);
      running = null;
      // Nobody has said how an instance of an unclaimed revision is started.
      if (this.#interrupted.aborted || this.#revision === null) return;
      await sleep(this.#restartWaitMs(), this.#interrupted);
      if (this.#interrupted.aborted) return;
    }
  }

  async #start(revision: Revision): Promise<RunningInstance | null> {
    const { driver, clock } = this.#context;
    const instance = newId("ins", clock.now());
    const secret = newInstanceSecret();
    const again = this.#state.instance !== "";
    this.#state = {
      ...this.#fresh(instance, this.#state.restarts + (again ? 1 : 0)),
      authHash: authHashOf(secret),
      assertionKey: assertionKeyOf(secret),
    };
    try {
      const given = await this.#environment(revision, instance);
      if (this.#interrupted.aborted) return null;
      const { restarts, authHash, assertionKey } = this.#state;
      const started = await driver.start({
        instance,
        revision,
        epoch: this.#options.epoch(),
        restarts,
        environment: {
          ...given,
          TIDEWAY_SERVICE: revision.service,
          TIDEWAY_REVISION: revision.id,
          TIDEWAY_INSTANCE: instance,
          TIDEWAY_INSTANCE_SECRET: secret,
        },
        authHash,
        assertionKey,
      });
      this.#running = true;
      const { url, pid, startedAtMs } = started;
      this.#set({ url, pid, startedAtMs });
      return started;
    } catch (error) {
      if (this.#interrupted.aborted) return null;
      this.#fail(describeNotStarted(error), false);
      return null;
    }
  }

  async #environment(revision: Revision, instance: string) {
    const timeoutMs = this.#context.limits.environmentTimeoutMs;
    const asked = this.#context.environment(revision, instance);
    if (await within(asked, timeoutMs)) return asked;
    // Its later failure is of no interest to anybody.
    asked.catch(() => undefined);
    const given = { instance, revision: revision.id, timeoutMs };
    throw engineErrors.error("ENGINE_ENVIRONMENT_LATE", { given });
  }

  /** From the start of a process until it has ended. */
  async #accompany(running: RunningInstance): Promise<void> {
    const { driver, closing } = this.#context;
    // Drained in the very moment it was started: nobody has told it yet.
    if (this.drains()) {
      this.#announceDraining();
      driver.stop(running.instance, "SIGTERM");
    }
    const over = new AbortController();
    const ending = driver.watch(running.instance).then((end) => {
      over.abort();
      return end;
    });
    const health = await this.#watchHealth(
      running,
      AbortSignal.any([over.signal, this.#interrupted]),
    );
    if (health.gaveUp) await this.#replace(running.instance, health, ending);
    const end = await Promise.race([ending, this.#closed]);
    if (closing.aborted || end === undefined) return;
    this.#running = false;
    this.#state = { ...this.#state, pid: null };
    if (this.drains() || health.gaveUp) return;
    const logLines = await this.#lastLines(running.instance);
    const wasReady = this.#state.readyAtMs !== null;
    this.#fail(describeEnd(end, wasReady, health.lastAnswer, logLines), false);
  }

  #watchHealth(running: RunningInstance, signal: AbortSignal): Promise<HealthOutcome> {
    const { clock, driver, limits } = this.#context;
    return keepProbing({
      url: running.url,
      limits,
      clock,
      ready: running.readyAtMs !== null,
      readyWithinMs: limits.readyTimeoutMs - Math.max(0, clock.now() - running.startedAtMs),
      signal,
      onReady: () => {
        const readyAtMs = clock.now();
        driver.note(running.instance, { readyAtMs });
        this.#failedStarts = 0;
        this.#failing = null;
        this.#lastFailure = null;
        this.#set({ status: "ready", readyAtMs, failure: null });
      },
      onUnready: (answer) => {
        const failure = describeUnready(answer, []);
        this.#set({ status: "starting", failure });
      },
    });
  }

  /** Ends an instance that was given up; its place then starts the next one. */
  async #replace(instance: string, health: HealthOutcome, ending: Promise<unknown>): Promise<void> {
    const { driver, limits } = this.#context;
    const { readyAtMs } = this.#state;
    const waitedMs = readyAtMs === null ? limits.readyTimeoutMs : limits.unreadyTimeoutMs;
    const logLines = await this.#lastLines(instance);
    this.#fail(describeLate(health.lastAnswer, waitedMs, logLines), readyAtMs === null);
    driver.stop(instance, "SIGTERM");
    const settled = Promise.race([ending, this.#closed]);
    if (await within(settled, limits.drainGraceMs)) return;
    driver.stop(instance, "SIGKILL");
  }

  #fail(failure: InstanceFailure, atOnce: boolean): void {
    const { clock, limits } = this.#context;
    const { startedAtMs, readyAtMs } = this.#state;
    this.#lastFailure = failure;
    if (readyAtMs === null) this.#failedStarts += 1;
    if (atOnce || this.#failedStarts >= limits.startsFailedMax) this.#failing = failure;
    if (clock.now() - startedAtMs >= limits.steadyAfterMs) this.#earlyEnds = 0;
    if (this.drains()) return;
    this.#set({ status: "failed", failure });
  }

  #restartWaitMs(): number {
    const { limits, random } = this.#context;
    const waitMs = restartWaitMs(this.#earlyEnds, { ...limits, random });
    this.#earlyEnds += 1;
    return waitMs;
  }

  /** A log that cannot be read must not keep a place from starting again. */
  async #lastLines(instance: string): Promise<string[]> {
    const { driver } = this.#context;
    try {
      return await driver.lastLines(this.#options.revisionId, instance, FAILURE_LOG_LINES);
    } catch (error) {
      return [`(the log could not be read: ${String(error)})`];
    }
  }

  #fresh(instance: string, restarts: number): InstanceState {
    return {
      instance,
      url: "",
      status: "starting",
      pid: null,
      startedAtMs: this.#context.clock.now(),
      readyAtMs: null,
      restarts,
      authHash: "",
      assertionKey: "",
      // Why the one before it ended stays to be seen until this one is ready.
      failure: this.#lastFailure,
    };
  }

  #set(change: Partial<InstanceState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.changed();
  }
}

function stateOf(running: RunningInstance, ready: boolean): InstanceState {
  const { revision: _revision, epoch: _epoch, draining: _draining, ...known } = running;
  return { ...known, status: ready ? "ready" : "starting", failure: null };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
