/** A service: its split, its revisions, and what is known of the people it met. */
import type { CodedError } from "@tideway/kernel";
import type { BadReason, Lane, ServiceConfig, Split } from "./config.ts";
import type { Pin } from "./delivery.ts";
import type { Demand } from "./demand.ts";
import { gatewayErrors } from "./errors.ts";
import { Evidence } from "./evidence.ts";
import { RecentPeople } from "./people.ts";
import { Revision } from "./revision.ts";
import { laneOf, personOfKey, placeOf } from "./split.ts";
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

/** What became of a first attempt. */
export interface Attempted {
  readonly choice: Choice;
  readonly route: string;
  readonly status: number | null;
  readonly reason: BadReason | null;
  readonly traceId: string;
  readonly durationMs: number;
}

export interface Labelled extends Attempted {
  readonly personKey: string;
}

export interface LabelledDelivery extends Attempted {
  /** By ordering key; every one is bad when `reason` says that nothing is known of any. */
  readonly outcomes: ReadonlyMap<string, "bad" | "good">;
}

export class Service {
  readonly name: string;
  enforcesGrants = false;
  split: Split = { stable: "", candidate: null, weight: 0, rollout: null };
  /** Of the configuration with which this split came into force here. */
  splitEpoch = 0;
  revisions: ReadonlyMap<string, Revision> = new Map();
  /** Of the present rollout, or of the last one until the next begins. */
  evidence: Evidence | null = null;
  readonly seen = new RecentPeople();
  readonly bad = new RecentPeople();

  readonly #demand: Demand;

  constructor(name: string, demand: Demand) {
    this.name = name;
    this.#demand = demand;
  }

  configure(config: ServiceConfig, epoch: number): void {
    const before = new Map(this.revisions);
    const next = new Map<string, Revision>();
    for (const wanted of config.revisions) {
      const revision = before.get(wanted.id) ?? new Revision(config.name, wanted, this.#demand);
      before.delete(wanted.id);
      next.set(wanted.id, revision);
    }
    this.enforcesGrants = config.enforcesGrants;
    if (!isSameSplit(this.split, config.split)) this.splitEpoch = epoch;
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

  /** Why a delivery pinned like this must not be sent on, or null. */
  staleness(pin: Pin): CodedError | null {
    if (pin.epoch >= this.splitEpoch && this.revisions.has(pin.revision)) return null;
    const given = {
      pin: `${pin.revision}@${pin.epoch}`,
      service: this.name,
      current: this.splitEpoch,
    };
    return gatewayErrors.error("SPLIT_EPOCH_STALE", { given });
  }

  /**
   * The revision this person meets, or the one that a delivery is pinned to; null when there is none
   * at all. Throws SPLIT_EPOCH_STALE.
   */
  choose(personKey: string, pin: Pin | null): Choice | null {
    const { split } = this;
    if (pin !== null) return this.#pinned(pin);
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
    this.#met(labelled.personKey, reason !== null, nowMs);
    if (choice.place === null || choice.rollout !== this.evidence?.rollout) return;
    this.evidence.record({ ...labelled, ...choice, place: choice.place, atMs: nowMs });
  }

  /**
   * Writes down a delivery: each key is a person. By route it counts once when nothing is known of
   * its events, as one lost connection is one failure; else once a key, without those that failed
   * before, as trying an event again is no first attempt.
   */
  labelDelivery(labelled: LabelledDelivery, nowMs: number): void {
    const { choice, reason, status, outcomes, durationMs } = labelled;
    const hasFailed = [...outcomes.values()].includes("bad");
    choice.revision.counters.count(status, reason ?? (hasFailed ? "5xx" : null), durationMs);
    let isFirst = true;
    for (const [key, outcome] of outcomes) {
      const person = personOfKey(key);
      const isBad = reason !== null || outcome === "bad";
      this.#met(person, isBad, nowMs);
      const { rollout } = choice;
      if (rollout === null || rollout !== this.evidence?.rollout) continue;
      const place = placeOf(rollout, person);
      const isTallied = reason === null ? !(isBad && this.evidence.hasFailed(place)) : isFirst;
      const own = isBad ? (reason ?? "5xx") : null;
      this.evidence.record({ ...labelled, ...choice, place, reason: own, atMs: nowMs }, isTallied);
      isFirst = false;
    }
  }

  #met(person: string, isBad: boolean, nowMs: number): void {
    const seconds = Math.floor(nowMs / 1_000);
    this.seen.see(person, seconds);
    if (isBad) this.bad.see(person, seconds);
  }

  #pinned(pin: Pin): Choice {
    const refusal = this.staleness(pin);
    const revision = this.revisions.get(pin.revision);
    if (refusal !== null || revision === undefined) throw refusal ?? new Error(pin.revision);
    const { candidate, weight, rollout } = this.split;
    const lane = pin.revision === candidate ? "candidate" : "stable";
    // Without a candidate nobody is split, so nobody is evidence.
    return { revision, lane, weight, rollout: candidate === null ? null : rollout, place: null };
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

function isSameSplit(a: Split, b: Split): boolean {
  return (
    a.stable === b.stable &&
    a.candidate === b.candidate &&
    a.weight === b.weight &&
    a.rollout === b.rollout
  );
}
