/** A rollout's evidence as the judge reads it: fetched from the gateway, kept in the database, tallied. */
import type { EvidencePage, EvidenceRecord, RouteEvidence } from "@tideway/gateway";
import { addLost, addRecord, createTally, judgePolicy, viewTally } from "@tideway/rollout";
import type { Observation, RolloutState, Tally } from "@tideway/rollout";
import type { Pool } from "@tideway/store";
import { addEvidence, readEvidence } from "./store/evidence.ts";

export type FetchEvidence = (
  service: string,
  rollout: string,
  after: number,
) => Promise<EvidencePage>;

export interface EvidenceReader {
  /** Fetches what is new. Null when the gateway did not answer: nothing is known then. */
  read(service: string, rollout: string, state: RolloutState): Promise<Observation["evidence"]>;
  /** Forgets a rollout that is over. */
  forget(rollout: string): void;
}

interface Reading {
  readonly tally: Tally;
  bootId: string;
  after: number;
  dropped: number;
  /** Routes counted by gateways that have died since. */
  earlier: readonly RouteEvidence[];
  routes: readonly RouteEvidence[];
}

/** At most so many pages a look; the rest is read at the next one. */
const PAGES_MAX = 20;

export function createEvidenceReader(pool: Pool, fetchPage: FetchEvidence): EvidenceReader {
  const readings = new Map<string, Reading>();
  return {
    read: async (service, rollout, state) => {
      const reading = readings.get(rollout) ?? (await openReading(pool, rollout, state));
      readings.set(rollout, reading);
      for (let pages = 0; pages < PAGES_MAX; pages++) {
        const page = await fetchPage(service, rollout, reading.after);
        if (page.bootId !== reading.bootId) {
          beginBoot(reading, page);
          continue;
        }
        const added = await addEvidence(pool, rollout, page.records);
        takePage(reading, page, added);
        if (page.records.length === 0) break;
      }
      return { tally: viewTally(reading.tally), routes: mergeRoutes(reading) };
    },
    forget: (rollout) => void readings.delete(rollout),
  };
}

async function openReading(pool: Pool, rollout: string, state: RolloutState): Promise<Reading> {
  const tally = createTally(judgePolicy(state.plan.policy));
  for (const record of await readEvidence(pool, rollout)) addRecord(tally, record);
  return { tally, bootId: "", after: 0, dropped: 0, earlier: [], routes: [] };
}

/** A new gateway counts from the beginning; what the old one counted of routes is kept aside. */
function beginBoot(reading: Reading, page: EvidencePage): void {
  reading.earlier = mergeRoutes(reading);
  reading.routes = [];
  reading.bootId = page.bootId;
  reading.after = 0;
  reading.dropped = 0;
}

function takePage(reading: Reading, page: EvidencePage, added: readonly EvidenceRecord[]): void {
  for (const record of added) addRecord(reading.tally, record);
  if (page.dropped > reading.dropped) addLost(reading.tally, page.dropped - reading.dropped);
  reading.dropped = page.dropped;
  reading.after = page.next;
  reading.routes = page.routes;
}

function mergeRoutes(reading: Reading): RouteEvidence[] {
  const merged = new Map(reading.earlier.map((route) => [route.route, route]));
  for (const route of reading.routes) {
    const before = merged.get(route.route);
    merged.set(route.route, before === undefined ? route : addRoutes(before, route));
  }
  return [...merged.values()];
}

function addRoutes(a: RouteEvidence, b: RouteEvidence): RouteEvidence {
  return {
    route: a.route,
    stable: { total: a.stable.total + b.stable.total, bad: a.stable.bad + b.stable.bad },
    candidate: {
      total: a.candidate.total + b.candidate.total,
      bad: a.candidate.bad + b.candidate.bad,
      runMax: Math.max(a.candidate.runMax, b.candidate.runMax),
    },
  };
}
