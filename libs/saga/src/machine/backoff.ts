/** How long a saga waits between tries: 200 ms, doubled up to 30 s, half of it at random. */
export const RETRY_BASE_MS = 200;
export const RETRY_MAX_MS = 30_000;
/** From so many failed tries of one step on, an operator should look. Trying goes on. */
export const ATTENTION_TRIES = 20;

/** `attempt` counts from 1; `jitter` lies in [0, 1). */
export function retryDelayMs(attempt: number, jitter: number): number {
  const ceilingMs = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceilingMs * (0.5 + jitter / 2));
}
