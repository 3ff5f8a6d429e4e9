/**
 * A rollout's evidence as the judge reads it: fetched from the gateway, kept in the database,
 * tallied. Records and how far they were read are written in one transaction and tallied after it,
 * so that a control that was killed reads on exactly where the last one stood. When a write fails
 * nobody knows whether it took place: the tally is then thrown away and built from the database.
 */
import type { EvidencePage, EvidenceRecord, RouteEvidence } from "@tideway/gateway";
import { addLost, addRecord, createTally, judgePolicy, viewTally } from "@tideway/rollout";
import type { Observation, RolloutState, Tally } from "@tideway/rollout";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { addEvidence, findReading, readEvidence, saveReading } from "./store/evidence.ts";
import type { ReadingRow } from "./store/evidence.ts";

export type FetchEvidence = (
  service: string,
  rollout: string,
  after: number,
) => Promise<EvidencePage>;

export interface EvidenceReader {
  /** Fetches what is new. Throws what the gateway or the database throw. */
  read(service: string, rollout: string, state: RolloutState): Promise<Observation["evidence"]>;
  /** Forgets every rollout but these, which run. */
  keepOnly(rollouts: ReadonlySet<string>): void;
}

interface Reading {
  readonly tally: Tally;
  position: ReadingRow;
  /** Counted by the gateway that runs; `position.routes` holds those of the ones before. */
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
        const page = await fetchPage(service, rollout, reading.position.after);
        if (page.bootId !== reading.position.bootId) {
          beginBoot(reading, page);
          continue;
        }
        const added = await keepPage(pool, rollout, reading.position, page).catch(
          (error: unknown) => {
            readings.delete(rollout);
            throw error;
          },
        );
        takePage(reading, page, added);
        if (page.records.length === 0) break;
      }
      const routes = mergeRoutes(reading.position.routes, reading.routes);
      return { tally: viewTally(reading.tally), routes };
    },
    keepOnly: (rollouts) => {
      for (const rollout of readings.keys()) {
        if (!rollouts.has(rollout)) readings.delete(rollout);
      }
    },
  };
}

async function openReading(pool: Pool, rollout: string, state: RolloutState): Promise<Reading> {
  const tally = createTally(judgePolicy(state.plan.policy));
  for (const record of await readEvidence(pool, rollout)) addRecord(tally, record);
  const known = await findReading(pool, rollout);
  const position = known ?? { bootId: "", after: 0, lost: 0, written: 0, routes: [] };
  addLost(tally, position.lost);
  return { tally, position, routes: [] };
}

/** A new gateway counts from the beginning; what the old one counted of routes is kept aside. */
function beginBoot(reading: Reading, page: EvidencePage): void {
  const routes = mergeRoutes(reading.position.routes, reading.routes);
  reading.position = { ...reading.position, bootId: page.bootId, after: 0, routes };
  reading.routes = [];
}

async function keepPage(
  pool: Pool,
  rollout: string,
  before: ReadingRow,
  page: EvidencePage,
): Promise<EvidenceRecord[]> {
  if (page.records.length === 0) return [];
  return tx(pool, async (t) => {
    const added = await addEvidence(t, rollout, page.records, before.written);
    await saveReading(t, rollout, after(before, page));
    return added;
  });
}

function takePage(reading: Reading, page: EvidencePage, added: readonly EvidenceRecord[]): void {
  for (const record of added) addRecord(reading.tally, record);
  addLost(reading.tally, page.dropped);
  reading.position = after(reading.position, page);
  reading.routes = page.routes;
}

/** `dropped` counts from the position that was asked for, so each page adds its own. */
function after(before: ReadingRow, page: EvidencePage): ReadingRow {
  const lost = before.lost + page.dropped;
  return { ...before, after: page.next, lost, written: before.written + page.records.length };
}

function mergeRoutes(
  earlier: readonly RouteEvidence[],
  present: readonly RouteEvidence[],
): RouteEvidence[] {
  const merged = new Map(earlier.map((route) => [route.route, route]));
  for (const route of present) {
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
