/**
 * Strikes in episodes, as a seed says: up to three faults that overlap, then calm until payments go
 * again. So each recovery is measured from the end of its own episode, and not of somebody else's.
 */
import { sleep, until } from "@tideway/kernel";
import { FAULT_DECK, strike } from "./faults.ts";
import type { FaultKind, FaultsOptions, Struck } from "./faults.ts";

export interface Blow {
  readonly kind: Struck["kind"];
  readonly target: string;
}

/** On the monotonic clock, in milliseconds. */
export interface Episode {
  readonly overMs: number;
  /** Until the first payment that was begun afterwards was acknowledged; null when none was. */
  readonly recoveryMs: number | null;
  readonly blows: readonly Blow[];
}

export interface Nemesis {
  readonly episodes: readonly Episode[];
  /** Resolves when the last episode is over and everything is healed. */
  stop(): Promise<void>;
}

export interface NemesisOptions extends FaultsOptions {
  /** How long after this moment the first payment begun later was acknowledged; null as yet. */
  readonly recoveredAfter: (overMs: number) => number | null;
  readonly note: (text: string) => void;
}

const BLOWS_MAX = 3;
const BETWEEN_BLOWS_MS_MAX = 1_500;
const GAP_MS = { min: 100, max: 1_500 } as const;
const RECOVERY_MS_MAX = 60_000;

export function startNemesis(options: NemesisOptions): Nemesis {
  const { random, routes } = options;
  const episodes: Episode[] = [];
  const stopping = new AbortController();
  const dealKind = random.dealer(FAULT_DECK);
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(random.between(GAP_MS.min, GAP_MS.max), stopping.signal);
      if (!stopping.signal.aborted) episodes.push(await runEpisode(options, dealKind));
    }
  };
  const ended = loop();
  return {
    episodes,
    stop: async () => {
      stopping.abort();
      await ended;
      routes.heal();
    },
  };
}

async function runEpisode(options: NemesisOptions, dealKind: () => FaultKind): Promise<Episode> {
  const { random, note, recoveredAfter } = options;
  const blows: Blow[] = [];
  const lasting: Promise<void>[] = [];
  for (let left = random.between(1, BLOWS_MAX); left > 0; left--) {
    const struck = await strike(options, dealKind());
    if (struck !== null) {
      const { kind, target, lastsMs, heal } = struck;
      note(`${kind} ${target}${lastsMs > 0 ? ` for ${lastsMs} ms` : ""}`);
      blows.push({ kind, target });
      lasting.push(sleep(lastsMs).then(heal));
    }
    if (left > 1) await sleep(random.between(0, BETWEEN_BLOWS_MS_MAX));
  }
  await Promise.all(lasting);
  const overMs = performance.now();
  const recovered = until(() => recoveredAfter(overMs) ?? undefined, {
    deadlineMs: RECOVERY_MS_MAX,
    what: "payments go again",
  });
  // That it did not come is told by the null, and by the checkers when it never does.
  const recoveryMs = await recovered.catch(() => null);
  note(recoveryMs === null ? "not recovered" : `recovered after ${Math.round(recoveryMs)} ms`);
  return { overMs, recoveryMs, blows };
}
