/** Work that is done again and again, one run at a time, until it is stopped. */
import { sleep } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";

export interface RepeatOptions {
  /** Names the failure in the log: `<name>-failed`. */
  readonly name: string;
  /** From the end of one run to the beginning of the next. */
  readonly pauseMs: number;
  /** The pause is at least this many times the length of the run before it. */
  readonly pausePerRun?: number;
  readonly logger: Logger;
  readonly run: () => Promise<void>;
}

export interface Repeated {
  /** Lets the run under way end and starts no other. */
  stop(): Promise<void>;
}

/** Begins with a run at once. A run that throws is logged and the next one comes as usual. */
export function repeat(options: RepeatOptions): Repeated {
  const stopping = new AbortController();
  const ended = loop(options, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

async function loop(options: RepeatOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const startedAtMs = performance.now();
    try {
      await options.run();
    } catch (error) {
      options.logger.warn(`${options.name}-failed`, errorFields(error));
    }
    const tookMs = performance.now() - startedAtMs;
    await sleep(Math.max(options.pauseMs, tookMs * (options.pausePerRun ?? 0)), signal);
  }
}
