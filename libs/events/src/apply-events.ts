/** Executes what the inbox machine decides, on PostgreSQL. */
import { InvariantBroken, commonErrors, isCoded, present, unreachable } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { CommitRefused, databaseFailure, sqlState } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { Attempt } from "./attempt.ts";
import type { Delivered } from "./delivery.ts";
import { inboxIdle, stepInbox } from "./machine/inbox.ts";
import type { Failure, InboxEffect, InboxInput, InboxResult } from "./machine/inbox.ts";
import { runHandler } from "./run-handler.ts";

export interface ApplyParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ApplyOptions {
  /** Milliseconds on the clock's monotonic scale after which no event is begun. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Milliseconds one handler may take. */
  readonly handlerMsMax: number;
}

const CONFLICTS = new Set(["40001", "40P01"]);
const DETAIL_LENGTH_MAX = 500;

/**
 * Applies a delivery and answers what became of each event. Throws UPSTREAM_UNAVAILABLE or
 * OVERLOADED when the database is away or too busy, so that nothing counts as tried.
 */
export async function applyEvents(
  parts: ApplyParts,
  delivered: readonly Delivered[],
  options: ApplyOptions,
): Promise<readonly InboxResult[]> {
  const driver = new Driver(parts, delivered, options);
  try {
    return await driver.run();
  } finally {
    await driver.close();
  }
}

class Driver {
  readonly #parts: ApplyParts;
  readonly #delivered: readonly Delivered[];
  readonly #options: ApplyOptions;
  #attempt: Attempt | null = null;
  #outage: unknown = null;

  constructor(parts: ApplyParts, delivered: readonly Delivered[], options: ApplyOptions) {
    this.#parts = parts;
    this.#delivered = delivered;
    this.#options = options;
  }

  async run(): Promise<readonly InboxResult[]> {
    let state = inboxIdle;
    let input: InboxInput = {
      kind: "delivered",
      events: this.#delivered.map(({ inbox }) => inbox),
      deadlineMs: this.#options.deadlineMs,
      nowMs: this.#nowMs(),
    };
    for (;;) {
      const step = stepInbox(state, input);
      state = step.state;
      let next: InboxInput | null = null;
      for (const effect of step.effects) {
        if (effect.kind === "answer") return effect.results;
        if (effect.kind === "refuse") throw this.#outage;
        next = await this.#execute(effect);
      }
      if (next === null) throw new InvariantBroken("A step without an answer waits for an input.");
      input = next;
    }
  }

  /** Leaves no connection behind, whatever happened. */
  async close(): Promise<void> {
    await this.#takeAttempt()?.rollback();
  }

  async #execute(
    effect: Exclude<InboxEffect, { readonly kind: "answer" | "refuse" }>,
  ): Promise<InboxInput | null> {
    switch (effect.kind) {
      case "claim":
        return this.#claim(effect.indexes);
      case "handle":
        return this.#handle(effect.index);
      case "commit":
        return this.#commit();
      case "rollback":
        await this.close();
        return null;
      default:
        return unreachable(effect);
    }
  }

  async #claim(indexes: readonly number[]): Promise<InboxInput> {
    if (this.#options.signal.aborted) return this.#unavailable(this.#options.signal.reason);
    try {
      this.#attempt = await Attempt.begin(this.#parts.pool);
      const events = indexes.map((index) => this.#at(index).inbox);
      const inserted = await this.#attempt.claim(events);
      const fresh = inserted.map((place) => present(indexes[place], "It is one of those claimed."));
      return { kind: "claimed", fresh, nowMs: this.#nowMs() };
    } catch (error) {
      return this.#conflictOrOutage(error) ?? this.#unavailable(error);
    }
  }

  async #handle(index: number): Promise<InboxInput> {
    const attempt = present(this.#attempt, "Handlers run in an open transaction.");
    const { event, inbox, trace, consumer } = this.#at(index);
    const end = await runHandler({
      consumer: present(consumer, "What nobody consumes is refused."),
      event,
      replay: inbox.replay,
      trace,
      transaction: attempt.transaction,
      signal: this.#options.signal,
      limitMs: this.#options.handlerMsMax,
      logger: this.#parts.logger,
    });
    switch (end.kind) {
      case "done":
        return { kind: "handled", nowMs: this.#nowMs() };
      case "timeout": {
        this.#attempt = null;
        const isAnswering = await attempt.abandon();
        // A database that stands still makes every handler slow: not the event's fault.
        if (!isAnswering) return this.#unavailable(new Error("The database did not answer."));
        return this.#failed(end.failure, true);
      }
      case "gone":
        this.#attempt = null;
        await attempt.abandon();
        return this.#unavailable(this.#options.signal.reason);
      case "threw":
        return this.#threw(attempt, event.type, end.error);
      default:
        return unreachable(end);
    }
  }

  async #threw(attempt: Attempt, type: string, error: unknown): Promise<InboxInput> {
    const known = this.#conflictOrOutage(error);
    if (known !== null) return known;
    this.#attempt = null;
    // Whatever it says: a handler whose connection broke did not fail by itself.
    if (!(await attempt.rollback())) return this.#unavailable(error);
    return this.#failed(failureOf(type, error), false);
  }

  async #commit(): Promise<InboxInput> {
    const attempt = present(this.#attempt, "A commit ends an open transaction.");
    try {
      await attempt.commit();
      this.#attempt = null;
      return { kind: "committed", nowMs: this.#nowMs() };
    } catch (error) {
      const known = this.#conflictOrOutage(error);
      if (known !== null) return known;
      // Told by the server, so nothing is committed; else the end of the commit is not known.
      const isRefused = error instanceof CommitRefused || sqlState(error) !== null;
      if (!isRefused) return this.#unavailable(error);
      this.#parts.logger.warn("event.commit-refused", errorFields(error));
      const failure = failureOf("the batch", error);
      return { kind: "commit-refused", failure, nowMs: this.#nowMs() };
    }
  }

  #conflictOrOutage(error: unknown): InboxInput | null {
    // Our own outbox waits for the relay: no event is to blame, and each would meet the same.
    if (isCoded(error, "EVENTS_BACKLOGGED")) return this.#unavailable(error);
    // Somebody's coded error is their answer, not the state of our database.
    if (isCoded(error)) return null;
    if (CONFLICTS.has(sqlState(error) ?? "")) {
      this.#outage = databaseFailure(error, "the consumer's database");
      return { kind: "conflict", nowMs: this.#nowMs() };
    }
    return databaseFailure(error, "") === error ? null : this.#unavailable(error);
  }

  /** Says 503, also for failures that nobody foresaw: an event is not to blame for them. */
  #unavailable(error: unknown): InboxInput {
    const failure = databaseFailure(error, "the consumer's database");
    const given = { service: "the consumer's database" };
    this.#outage = isCoded(failure)
      ? failure
      : commonErrors.error("UPSTREAM_UNAVAILABLE", { given, cause: failure });
    return { kind: "unavailable" };
  }

  #failed(failure: Failure, isFinal: boolean): InboxInput {
    return { kind: "handler-failed", failure, isFinal, nowMs: this.#nowMs() };
  }

  #takeAttempt(): Attempt | null {
    const attempt = this.#attempt;
    this.#attempt = null;
    return attempt;
  }

  #at(index: number): Delivered {
    return present(this.#delivered[index], "The machine names events of the delivery.");
  }

  #nowMs(): number {
    return this.#parts.clock.monotonic();
  }
}

/** The code and the text of what a handler threw; never the data. */
function failureOf(type: string, error: unknown): Failure {
  if (isCoded(error)) return { code: error.code, detail: error.message };
  const problem = error instanceof Error ? error.message : String(error);
  const detail = `The handler of ${type} failed: ${problem}`;
  return { code: "EVENT_HANDLER_FAILED", detail: detail.slice(0, DETAIL_LENGTH_MAX) };
}
