/**
 * Jobs: work for a tick of the clock, done once however many instances are asked.
 *
 *   none ── claim ──> leased ── finish ──> finished        asked again: "ran-before"
 *                       │  └── renew (every 10 s)
 *                       └── its holder fails or dies: leased by the next one that asks
 *
 * The lease is on the database's clock and carries its end as its token: whoever lost it can
 * neither renew nor finish. A job whose instance dies between its last effect and `finish` runs
 * again for the same tick, so it keeps to what it may do twice.
 */
import { isCoded } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import { databaseFailure } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { eventErrors } from "./errors.ts";
import { claimTick, finishTick, releaseTick, renewTick } from "./job-ticks.ts";

export const JOB_LEASE_MS = 30_000;
const RENEW_EVERY_MS = 10_000;

export interface JobContext {
  /** The moment the job is due for, RFC 3339: the same in every try. */
  readonly tick: string;
  /** Fires when the time of the request is over, or the lease is lost: stop then. */
  readonly signal: AbortSignal;
}

export type Job = (context: JobContext) => Promise<void>;

export interface JobParts {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface JobRequest extends JobContext {
  readonly job: string;
}

/**
 * Answers what runs a job for a tick, once. It throws JOB_UNKNOWN, JOB_RUNNING while another
 * instance is at it, the job's own coded error, JOB_FAILED.
 */
export function createJobRunner(
  parts: JobParts,
): (request: JobRequest) => Promise<"ran" | "ran-before"> {
  return async ({ job, tick, signal }) => {
    const act = Object.hasOwn(parts.jobs, job) ? parts.jobs[job] : undefined;
    if (act === undefined) throw eventErrors.error("JOB_UNKNOWN", { given: { job } });
    const claim = await claimTick(parts.pool, { job, tick, leaseMs: JOB_LEASE_MS });
    if (claim.kind === "finished") return "ran-before";
    if (claim.kind === "leased") throw eventErrors.error("JOB_RUNNING", { given: { job, tick } });
    const lease = new Lease(parts, { job, tick, token: claim.token });
    try {
      await act({ tick, signal: AbortSignal.any([signal, lease.lost]) });
    } catch (error) {
      await lease.release();
      throw jobFailure(parts.logger, { job, tick }, error);
    }
    await lease.finish();
    return "ran";
  };
}

function jobFailure(
  logger: Logger,
  { job, tick }: { readonly job: string; readonly tick: string },
  error: unknown,
): unknown {
  logger.warn("job.failed", { job, tick, ...errorFields(error) });
  const known = databaseFailure(error, job);
  if (isCoded(known)) return known;
  const problem = error instanceof Error ? error.message : String(error);
  return eventErrors.error("JOB_FAILED", { given: { job, problem }, cause: error });
}

interface LeaseOptions {
  readonly job: string;
  readonly tick: string;
  readonly token: string;
}

/** Keeps a tick leased while its job runs. */
class Lease {
  readonly #parts: JobParts;
  readonly #tick: Omit<LeaseOptions, "token">;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #token: string;
  #renewing: Promise<void> = Promise.resolve();

  constructor(parts: JobParts, { job, tick, token }: LeaseOptions) {
    this.#parts = parts;
    this.#tick = { job, tick };
    this.#token = token;
    this.#timer = setInterval(() => {
      this.#renewing = this.#renewing.then(() => this.#renew());
    }, RENEW_EVERY_MS);
    this.#timer.unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** A tick that somebody else took over is theirs to finish. */
  async finish(): Promise<void> {
    await this.#end();
    const isOurs = await finishTick(this.#parts.pool, { ...this.#tick, token: this.#token });
    if (!isOurs) this.#parts.logger.warn("job.lease-lost", { ...this.#tick });
  }

  /** Lets the next one that asks begin at once. What fails here ends with the lease by itself. */
  async release(): Promise<void> {
    await this.#end();
    try {
      await releaseTick(this.#parts.pool, { ...this.#tick, token: this.#token });
    } catch (error) {
      this.#parts.logger.warn("job.release-failed", { ...this.#tick, ...errorFields(error) });
    }
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
  }

  /** A database that is away for a moment costs the lease only if another instance takes it. */
  async #renew(): Promise<void> {
    const { pool, logger } = this.#parts;
    try {
      const lease = { ...this.#tick, token: this.#token, leaseMs: JOB_LEASE_MS };
      const token = await renewTick(pool, lease);
      if (token === null) this.#lost.abort(new Error("Another instance took the tick over."));
      else this.#token = token;
    } catch (error) {
      logger.warn("job.renew-failed", { ...this.#tick, ...errorFields(error) });
    }
  }
}
