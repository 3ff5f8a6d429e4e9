/** A service: its split, its revisions, and what is known of the people it met. */
import type { BadReason, Lane, ServiceConfig, Split } from "./config.ts";
import { Evidence } from "./evidence.ts";
import { RecentPeople } from "./people.ts";
import { Revision } from "./revision.ts";
import { laneOf, placeOf } from "./split.ts";
import type { Place } from "./split.ts";

/** Where a request goes, and what must be remembered of that moment to judge it later. */
export interface Choice {
  readonly revision: Revision;
  readonly lane: Lane;
  readonly weight: number;
  /** Null when there is no rollout. */
  readonly rollout: string | null;
  readonly place: Place | null;
}

export interface Labelled {
  readonly choice: Choice;
  readonly personKey: string;
  readonly route: string;
  readonly status: number | null;
  readonly reason: BadReason | null;
  readonly traceId: string;
  readonly durationMs: number;
}

export class Service {
  readonly name: string;
  enforcesGrants = false;
  split: Split = { stable: "", candidate: null, weight: 0, rollout: null };
  revisions: ReadonlyMap<string, Revision> = new Map();
  /** Of the present rollout, or of the last one until the next begins. */
  evidence: Evidence | null = null;
  readonly seen = new RecentPeople();
  readonly bad = new RecentPeople();

  constructor(name: string) {
    this.name = name;
  }

  configure(config: ServiceConfig): void {
    const before = new Map(this.revisions);
    const next = new Map<string, Revision>();
    for (const wanted of config.revisions) {
      const revision = before.get(wanted.id) ?? new Revision(config.name, wanted);
      before.delete(wanted.id);
      next.set(wanted.id, revision);
    }
    this.enforcesGrants = config.enforcesGrants;
    this.split = config.split;
    this.revisions = next;
    this.#followRollout(config.split.rollout);
    const affected = [...next.values(), ...before.values()];
    for (const wanted of config.revisions) next.get(wanted.id)?.configure(wanted);
    for (const gone of before.values()) gone.retire();
    for (const revision of affected) revision.reconsiderAll();
  }

  /** Gone from the configuration. */
  retire(): void {
    for (const revision of this.revisions.values()) revision.retire();
    const affected = [...this.revisions.values()];
    this.revisions = new Map();
    for (const revision of affected) revision.reconsiderAll();
  }

  /** The revision this person meets, or null when there is none at all. */
  choose(personKey: string): Choice | null {
    const { split } = this;
    const place =
      split.rollout !== null && split.candidate !== null ? placeOf(split.rollout, personKey) : null;
    const lane = laneOf(split, place);
    const id = lane === "candidate" && split.candidate !== null ? split.candidate : split.stable;
    const revision = this.revisions.get(id);
    if (revision === undefined) return null;
    return { revision, lane, weight: split.weight, rollout: split.rollout, place };
  }

  /** Writes down the outcome of a first attempt. */
  label(labelled: Labelled, nowMs: number): void {
    const { choice, reason, status, durationMs } = labelled;
    choice.revision.counters.count(status, reason, durationMs);
    const seconds = Math.floor(nowMs / 1_000);
    this.seen.see(labelled.personKey, seconds);
    if (reason !== null) this.bad.see(labelled.personKey, seconds);
    if (choice.place === null || choice.rollout !== this.evidence?.rollout) return;
    this.evidence.record({
      lane: choice.lane,
      place: choice.place,
      weight: choice.weight,
      route: labelled.route,
      status,
      reason,
      traceId: labelled.traceId,
      durationMs,
      atMs: nowMs,
    });
  }

  get waiting(): number {
    let waiting = 0;
    for (const revision of this.revisions.values()) waiting += revision.waiting;
    return waiting;
  }

  #followRollout(rollout: string | null): void {
    if (rollout === null) this.evidence?.close();
    else if (this.evidence?.rollout !== rollout) this.evidence = new Evidence(rollout);
  }
}
