/**
 * What the judge reads: for one rollout, who met which lane and whose first bad answer came from
 * where. A person gives at most one `seen` a lane and one `bad` in all, however often they call.
 *
 * A person is written down when the outcome of a first attempt is known, so that nobody counts as
 * served well while their request is still under way. Memory is bounded: the ring holds 65,536
 * records, the people of a rollout end at one million.
 */
import type { BadReason, EvidencePage, EvidenceRecord, Lane, RouteEvidence } from "./config.ts";
import { EVIDENCE_PAGE_RECORDS, EVIDENCE_RING_RECORDS, PEOPLE_ROLLOUT_MAX } from "./limits.ts";
import type { Place } from "./split.ts";

const SEEN_STABLE = 1;
const SEEN_CANDIDATE = 2;
const BAD = 4;

/** The labelled outcome of a first attempt. */
export interface Outcome {
  readonly lane: Lane;
  readonly place: Place;
  /** The weight in force when it was routed, in percent. */
  readonly weight: number;
  readonly route: string;
  readonly status: number | null;
  /** Null: it went well. */
  readonly reason: BadReason | null;
  readonly traceId: string;
  readonly durationMs: number;
  readonly atMs: number;
}

interface RouteTally {
  readonly stable: { total: number; bad: number };
  readonly candidate: { total: number; bad: number; runMax: number };
  run: number;
}

export class Evidence {
  readonly rollout: string;
  readonly #ring: EvidenceRecord[] = [];
  #written = 0;
  /** By place; the value holds the bits above. */
  readonly #people = new Map<number, number>();
  readonly #routes = new Map<string, RouteTally>();

  constructor(rollout: string) {
    this.rollout = rollout;
  }

  /** `isTallied`: it counts for its route too; of several people in one request one does. */
  record(outcome: Outcome, isTallied = true): void {
    if (isTallied) this.#tally(outcome);
    const number = outcome.place.number;
    const before = this.#people.get(number);
    if (before === undefined && this.#people.size >= PEOPLE_ROLLOUT_MAX) return;
    const lane = outcome.lane === "stable" ? SEEN_STABLE : SEEN_CANDIDATE;
    let bits = before ?? 0;
    if ((bits & lane) === 0) this.#write("seen", outcome);
    bits |= lane;
    if (outcome.reason !== null && (bits & BAD) === 0) {
      this.#write("bad", outcome);
      bits |= BAD;
    }
    if (bits !== before) this.#people.set(number, bits);
  }

  /** Whether somebody had a bad answer in this rollout. */
  hasFailed(place: Place): boolean {
    return ((this.#people.get(place.number) ?? 0) & BAD) !== 0;
  }

  /** Records after `after`, the oldest first; `dropped` counts those already overwritten. */
  page(bootId: string, after: number): EvidencePage {
    const oldest = Math.max(1, this.#written - EVIDENCE_RING_RECORDS + 1);
    // A number from before a restart may lie ahead of us: the reader starts over by the boot id.
    const from = Math.max(after + 1, oldest);
    const to = Math.min(this.#written, from + EVIDENCE_PAGE_RECORDS - 1);
    const records: EvidenceRecord[] = [];
    for (let seq = from; seq <= to; seq++) {
      const record = this.#ring[(seq - 1) % EVIDENCE_RING_RECORDS];
      if (record !== undefined) records.push(record);
    }
    return {
      bootId,
      records,
      next: records.at(-1)?.seq ?? after,
      dropped: Math.max(0, oldest - after - 1),
      routes: [...this.#routes].map(([route, tally]): RouteEvidence => {
        return { route, stable: { ...tally.stable }, candidate: { ...tally.candidate } };
      }),
    };
  }

  /** Called when the rollout is over: what was found stays readable, the crowd is forgotten. */
  close(): void {
    this.#people.clear();
  }

  #tally(outcome: Outcome): void {
    let tally = this.#routes.get(outcome.route);
    if (tally === undefined) {
      tally = {
        stable: { total: 0, bad: 0 },
        candidate: { total: 0, bad: 0, runMax: 0 },
        run: 0,
      };
      this.#routes.set(outcome.route, tally);
    }
    const isBad = outcome.reason !== null;
    tally[outcome.lane].total++;
    if (isBad) tally[outcome.lane].bad++;
    if (outcome.lane === "stable") return;
    tally.run = isBad ? tally.run + 1 : 0;
    tally.candidate.runMax = Math.max(tally.candidate.runMax, tally.run);
  }

  #write(kind: "seen" | "bad", outcome: Outcome): void {
    const isBad = kind === "bad";
    this.#ring[this.#written % EVIDENCE_RING_RECORDS] = {
      seq: this.#written + 1,
      kind,
      lane: outcome.lane,
      person: unshared(outcome.place.person),
      weight: outcome.weight,
      atMs: outcome.atMs,
      route: isBad ? outcome.route : null,
      status: isBad ? outcome.status : null,
      reason: isBad ? outcome.reason : null,
      traceId: isBad ? unshared(outcome.traceId) : null,
      durationMs: isBad ? Math.round(outcome.durationMs) : null,
    };
    this.#written++;
  }
}

/** A copy with its own memory: a cut of a longer text would keep the longer one alive with it. */
function unshared(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
