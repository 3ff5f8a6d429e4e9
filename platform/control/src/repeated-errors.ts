/** Logs a failure that comes back with every look once, and then now and then with its count. */
import type { Clock } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";

export interface RepeatedErrors {
  /** `key` tells failures of different things apart; each is counted by itself. */
  report(event: string, key: string, error: unknown): void;
  /** It went well again: the next failure is told at once. */
  clear(key: string): void;
}

const TELL_EVERY_MS = 30_000;
/** Keys remembered; the oldest are forgotten, and then told again. */
const KEYS_MAX = 1_000;

export function createRepeatedErrors(logger: Logger, clock: Clock): RepeatedErrors {
  const told = new Map<string, { kind: string; atMs: number; repeats: number }>();
  return {
    report: (event, key, error) => {
      const kind = kindOf(error);
      const nowMs = clock.monotonic();
      const before = told.get(key);
      if (before?.kind === kind && nowMs - before.atMs < TELL_EVERY_MS) {
        before.repeats++;
        return;
      }
      told.delete(key);
      told.set(key, { kind, atMs: nowMs, repeats: 0 });
      for (const oldest of told.keys()) {
        if (told.size <= KEYS_MAX) break;
        told.delete(oldest);
      }
      const repeats = before?.repeats ?? 0;
      logger.error(event, {
        about: key,
        ...(repeats > 0 ? { repeats } : {}),
        ...errorFields(error),
      });
    },
    clear: (key) => void told.delete(key),
  };
}

/** Messages carry numbers that differ each time; codes do not. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" ? code : error.message;
}
