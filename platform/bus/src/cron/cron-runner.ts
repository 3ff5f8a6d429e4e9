/** Runs jobs at their ticks: the machine's effects, the bus's own database, the gateway. */
import { toTimestamp } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { PLATFORM_PREFIX, runJob } from "@tideway/schema";
import type { Queryable } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { BusService } from "../config.ts";
import type { PlatformCaller } from "../due/platform-call.ts";
import { cronStateOf, cronStep } from "./cron-machine.ts";
import type { CronEffect, CronInput, CronState, DeclaredJob } from "./cron-machine.ts";
import { deleteJob, readJobs, saveJob } from "./cron-rows.ts";
import { cronTicks } from "./ticks.ts";
import type { Ticks } from "./ticks.ts";

export interface CronRunnerOptions {
  /** The bus's own database, with the table `cron_jobs`. */
  readonly database: Queryable;
  readonly caller: PlatformCaller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface CronRunner {
  /** Takes over what the stable revisions declare; what they do not declare any more ends. */
  configure(services: readonly BusService[]): void;
  /** Looks for due ticks at once; otherwise it looks twice a second. */
  look(): void;
  /** Ends the looking and what is under way, and resolves when nothing is. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 500;
const RAN = new Set<unknown>(["ran", "ran-before"]);

/** Reads what was kept and begins. Nothing runs before the first `configure`. */
export async function startCron(options: CronRunnerOptions): Promise<CronRunner> {
  return new Runner(options, cronStateOf(await readJobs(options.database)));
}

class Runner implements CronRunner {
  readonly #options: CronRunnerOptions;
  readonly #ticks: Ticks = cronTicks();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #state: CronState;
  #isConfigured = false;

  constructor(options: CronRunnerOptions, state: CronState) {
    this.#options = options;
    this.#state = state;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  configure(services: readonly BusService[]): void {
    this.#isConfigured = true;
    const jobs = services.flatMap((service) => this.#readable(jobsOf(service)));
    this.#feed({ kind: "declared", jobs, nowMs: this.#options.clock.now() });
    this.look();
  }

  look(): void {
    if (!this.#isConfigured || this.#stopping.signal.aborted) return;
    this.#feed({ kind: "time", nowMs: this.#options.clock.now() });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new Error("The bus ends."));
    // An answer that came at the last moment still begins to be kept.
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #feed(input: CronInput): void {
    const { state, effects } = cronStep(this.#state, input, this.#ticks);
    this.#state = state;
    for (const effect of effects) this.#begin(effect);
  }

  #begin(effect: CronEffect): void {
    const work = this.#carryOut(effect).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #carryOut(effect: CronEffect): Promise<void> {
    const { database, clock, logger } = this.#options;
    switch (effect.kind) {
      case "run":
        return this.#run(effect);
      case "keep": {
        const isDone = await done(saveJob(database, effect.job), logger);
        this.#feed({ kind: "kept", key: effect.key, isDone, nowMs: clock.now() });
        return;
      }
      case "forget":
        // A row that stays behind is forgotten with the next configuration after a restart.
        await done(deleteJob(database, effect), logger);
    }
  }

  async #run({ key, job, tickMs }: Extract<CronEffect, { kind: "run" }>): Promise<void> {
    const { caller, clock, logger, random = Math.random } = this.#options;
    const fields = { job: key, tick: toTimestamp(tickMs), failures: job.failures };
    try {
      const { status, body } = await caller.post({
        service: job.service,
        path: `${PLATFORM_PREFIX}jobs/${job.job}`,
        body: { tick: toTimestamp(tickMs) },
        deadlineMs: runJob.deadlineMs,
        signal: this.#stopping.signal,
      });
      const outcome = field(body, "outcome");
      if (status === 200 && RAN.has(outcome)) {
        logger.info("cron.ran", { ...fields, outcome });
        this.#feed({ kind: "ran", key, tickMs, nowMs: clock.now() });
        return;
      }
      logger.warn("cron.failed", { ...fields, status, code: field(body, "code") });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      logger.warn("cron.failed", { ...fields, ...errorFields(error) });
    }
    this.#feed({ kind: "failed", key, tickMs, nowMs: clock.now(), jitter: random() });
  }

  /** Without those whose expression says nothing; no declaration should have such a one. */
  #readable(jobs: readonly DeclaredJob[]): readonly DeclaredJob[] {
    return jobs.filter((job) => {
      try {
        this.#ticks.next(job.expression, 0);
        return true;
      } catch (error) {
        this.#options.logger.error("cron.expression-invalid", { ...job, ...errorFields(error) });
        return false;
      }
    });
  }
}

/** Of the stable revision, which is the first one. */
function jobsOf({ name, revisions }: BusService): readonly DeclaredJob[] {
  return Object.entries(revisions[0]?.cron ?? {}).map(([job, expression]) => {
    return { service: name, job, expression };
  });
}

async function done(work: Promise<void>, logger: Logger): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    logger.warn("cron.not-kept", errorFields(error));
    return false;
  }
}

function field(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? Reflect.get(value, name) : undefined;
}
