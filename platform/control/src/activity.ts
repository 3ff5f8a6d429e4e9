/**
 * When each revision was last asked for anything, from what the gateway measures. Nothing of it is
 * kept: a control that starts takes what has an endpoint for awake, and what has none for asleep,
 * as the gateway's configuration outlives it.
 */
import type { GatewayState, RevisionCounters } from "@tideway/gateway";
import type { Clock } from "@tideway/kernel";

export interface Activity {
  /** Takes note of what was measured; while the gateway does not answer nothing grows idle. */
  observe(gateway: GatewayState | null, revisions: Iterable<string>): void;
  /** It will be asked in a moment. */
  touch(revision: string): void;
  /** Milliseconds since anything was asked of it, Infinity when it was found asleep; null: unknown. */
  idleMs(revision: string): number | null;
}

interface Known {
  requests: number;
  /** Of the monotonic clock. */
  askedAtMs: number;
}

export function createActivity(clock: Clock): Activity {
  const known = new Map<string, Known>();
  let observedAtMs: number | null = null;

  const note = (revision: string, counters: RevisionCounters | undefined, queued: number): void => {
    const nowMs = clock.monotonic();
    const before = known.get(revision);
    const requests = counters?.requests ?? 0;
    const isBusy = queued > 0 || (counters?.inFlight ?? 0) > 0;
    if (before === undefined) {
      const isAwake = isBusy || (counters?.endpoints.length ?? 0) > 0;
      known.set(revision, { requests, askedAtMs: isAwake ? nowMs : -Infinity });
      return;
    }
    // After a restart of the gateway its counters begin again: another number, no more is known.
    if (isBusy || requests !== before.requests) before.askedAtMs = nowMs;
    before.requests = requests;
  };

  return {
    observe: (gateway, revisions) => {
      const nowMs = clock.monotonic();
      if (gateway === null) {
        // Nobody knows what was asked meanwhile, so this time does not count.
        const passedMs = observedAtMs === null ? 0 : nowMs - observedAtMs;
        for (const one of known.values()) one.askedAtMs += passedMs;
        observedAtMs = nowMs;
        return;
      }
      observedAtMs = nowMs;
      const measured = new Map(
        gateway.services.flatMap(({ queued, revisions: all }) =>
          all.map((counters) => [counters.revision, { counters, queued }] as const),
        ),
      );
      const wanted = new Set(revisions);
      for (const revision of known.keys()) if (!wanted.has(revision)) known.delete(revision);
      for (const revision of wanted) {
        const now = measured.get(revision);
        note(revision, now?.counters, now?.queued ?? 0);
      }
    },
    touch: (revision) => {
      const one = known.get(revision);
      if (one !== undefined) one.askedAtMs = clock.monotonic();
      else known.set(revision, { requests: 0, askedAtMs: clock.monotonic() });
    },
    idleMs: (revision) => {
      const one = known.get(revision);
      return one === undefined ? null : clock.monotonic() - one.askedAtMs;
    },
  };
}
