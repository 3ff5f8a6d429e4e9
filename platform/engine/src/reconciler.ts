/**
 * Keeps as many instances of each revision running as were asked for, over any driver.
 *
 * Orders (ensure, remove) only change what is wanted and who drains, all in one turn; places start
 * and end processes by themselves. So orders may come in any number and overlap: the last one holds.
 * Epochs are compared per revision and outlive its removal, so that a late order of an overtaken
 * writer cannot bring a revision back.
 */
import { isCoded } from "@tideway/kernel";
import type { RunningInstance } from "./driver.ts";
import type { InstanceBounds, Revision, RevisionId, RevisionState } from "./engine.ts";
import { engineErrors } from "./errors.ts";
import { Place } from "./place.ts";
import type { PlaceContext } from "./place.ts";
import { createStateFeed } from "./state-feed.ts";
import type { StateFeed } from "./state-feed.ts";

export interface ReconcilerContext extends PlaceContext {
  readonly onError: (error: unknown) => void;
}

interface Entry {
  readonly id: RevisionId;
  /** Null until somebody has ensured what was adopted. */
  revision: Revision | null;
  epoch: number;
  bounds: InstanceBounds;
  readonly places: Set<Place>;
  removed: boolean;
}

const NONE: InstanceBounds = { min: 0, max: 0 };
/** Epochs remembered of revisions that are gone; the longest unused are forgotten first. */
const EPOCHS_KEPT_MAX = 1_000;

export class Reconciler {
  readonly #context: ReconcilerContext;
  readonly #entries = new Map<RevisionId, Entry>();
  readonly #epochs = new Map<RevisionId, number>();
  readonly #feed: StateFeed<RevisionState> = createStateFeed();
  #stopping = false;

  constructor(context: ReconcilerContext) {
    this.#context = context;
    context.closing.addEventListener("abort", () => this.#feed.close(), { once: true });
  }

  /** Takes over what an earlier engine left running. */
  adopt(running: readonly RunningInstance[]): void {
    for (const adopted of running) {
      const entry = this.#entry(adopted.revision);
      entry.epoch = Math.max(entry.epoch, adopted.epoch);
      const place = this.#open(entry, adopted);
      if (adopted.draining) this.#drainSoon(place);
    }
  }

  /** Throws ENGINE_EPOCH_STALE, ENGINE_REVISION_CHANGED, ENGINE_FULL; then nothing was changed. */
  ensure(revision: Revision, bounds: InstanceBounds, epoch: number): void {
    this.#checkOpen();
    this.#checkEpoch(revision.id, epoch);
    this.#checkSame(revision);
    this.#checkRoom(revision.id, bounds);
    const entry = this.#entry(revision.id);
    entry.revision = revision;
    entry.epoch = epoch;
    entry.bounds = bounds;
    entry.removed = false;
    for (const place of entry.places) place.claim(revision);
    this.#adjust(entry);
    this.#publish(entry);
  }

  /** Resolves when what ran of it at the time of the call is gone. */
  async remove(id: RevisionId, graceMs: number): Promise<void> {
    this.#checkOpen();
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.removed = true;
    entry.bounds = NONE;
    const drains = [...entry.places].map((place) => place.drain(graceMs));
    this.#publish(entry);
    this.#forgetWhenEmpty(entry);
    await Promise.all(drains);
  }

  /** Removes what was adopted and has not been ensured since. */
  async settle(graceMs: number): Promise<void> {
    const unclaimed = [...this.#entries.values()].filter((entry) => entry.revision === null);
    await Promise.all(unclaimed.map((entry) => this.remove(entry.id, graceMs)));
  }

  /** Drains everything and takes no orders any more. */
  async stopAll(graceMs: number): Promise<void> {
    this.#checkOpen();
    const removals = [...this.#entries.keys()].map((id) => this.remove(id, graceMs));
    this.#stopping = true;
    await Promise.all(removals);
  }

  watch(signal: AbortSignal): AsyncIterable<RevisionState> {
    const present = (): (readonly [string, RevisionState])[] =>
      [...this.#entries.values()].map((entry) => [entry.id, stateOf(entry)] as const);
    return this.#feed.watch(present, signal);
  }

  has(id: RevisionId): boolean {
    return this.#entries.has(id);
  }

  /** The instances of a revision that have a process, by id. */
  instancesOf(id: RevisionId): string[] {
    const places = this.#entries.get(id)?.places ?? [];
    return [...places].flatMap((place) => place.state()?.instance ?? []);
  }

  #adjust(entry: Entry): void {
    // What nobody has ensured yet is kept as it was found.
    if (entry.revision === null) return;
    const kept = [...entry.places].filter((place) => !place.drains());
    for (let count = kept.length; count < entry.bounds.min; count++) this.#open(entry, null);
    const surplus = kept.sort(firstToGo).slice(0, Math.max(0, kept.length - entry.bounds.min));
    for (const place of surplus) this.#drainSoon(place);
  }

  #open(entry: Entry, adopted: RunningInstance | null): Place {
    const place = new Place(this.#context, {
      revisionId: entry.id,
      revision: entry.revision,
      adopted,
      epoch: () => entry.epoch,
      changed: () => this.#publish(entry),
    });
    entry.places.add(place);
    place.gone.then(() => this.#vacated(entry, place)).catch(this.#context.onError);
    return place;
  }

  #vacated(entry: Entry, place: Place): void {
    if (this.#context.closing.aborted) return;
    entry.places.delete(place);
    // An adopted instance may end just when its revision is claimed.
    this.#adjust(entry);
    this.#publish(entry);
    this.#forgetWhenEmpty(entry);
  }

  #drainSoon(place: Place): void {
    place.drain(this.#context.limits.drainGraceMs).catch((error: unknown) => {
      // The successor finds the record that says so, and goes on draining.
      if (!isCoded(error, "ENGINE_CLOSED")) this.#context.onError(error);
    });
  }

  #entry(id: RevisionId): Entry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const epoch = this.#epochs.get(id) ?? 0;
    const entry = { id, revision: null, epoch, bounds: NONE, places: new Set<Place>() };
    const made: Entry = { ...entry, removed: false };
    this.#entries.set(id, made);
    return made;
  }

  #forgetWhenEmpty(entry: Entry): void {
    const wanted = entry.revision !== null && !entry.removed;
    if (wanted || entry.places.size > 0 || this.#entries.get(entry.id) !== entry) return;
    this.#entries.delete(entry.id);
    this.#epochs.delete(entry.id);
    this.#epochs.set(entry.id, entry.epoch);
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size <= EPOCHS_KEPT_MAX) break;
      this.#epochs.delete(oldest);
    }
  }

  #publish(entry: Entry): void {
    this.#feed.publish(entry.id, stateOf(entry));
  }

  #checkOpen(): void {
    if (this.#context.closing.aborted || this.#stopping) throw engineErrors.error("ENGINE_CLOSED");
  }

  #checkEpoch(revision: RevisionId, given: number): void {
    const current = this.#entries.get(revision)?.epoch ?? this.#epochs.get(revision) ?? 0;
    if (given >= current) return;
    throw engineErrors.error("ENGINE_EPOCH_STALE", { given: { revision, current, given } });
  }

  #checkSame(revision: Revision): void {
    const current = this.#entries.get(revision.id)?.revision?.digest ?? revision.digest;
    if (current === revision.digest) return;
    const given = { revision: revision.id, current, given: revision.digest };
    throw engineErrors.error("ENGINE_REVISION_CHANGED", { given });
  }

  /** Counts what drains too: it still takes memory and connections. */
  #checkRoom(id: RevisionId, bounds: InstanceBounds): void {
    const { instancesPerRevisionMax, instancesMax } = this.#context.limits;
    let others = 0;
    let draining = 0;
    for (const entry of this.#entries.values()) {
      if (entry.id !== id) others += Math.max(entry.places.size, entry.bounds.min);
      else draining = [...entry.places].filter((place) => place.drains()).length;
    }
    const own = draining + bounds.min;
    if (own > instancesPerRevisionMax) throw full(own, `of ${id}`, instancesPerRevisionMax);
    if (others + own > instancesMax) throw full(others + own, "in all", instancesMax);
  }
}

/** What is not ready serves nobody; of the others the youngest has the least to lose. */
function firstToGo(a: Place, b: Place): number {
  const [left, right] = [a.state(), b.state()];
  const ready = Number(left?.status === "ready") - Number(right?.status === "ready");
  if (ready !== 0) return ready;
  return (right?.startedAtMs ?? Infinity) - (left?.startedAtMs ?? Infinity);
}

function stateOf(entry: Entry): RevisionState {
  const places = [...entry.places];
  const staying = places.filter((place) => !place.drains());
  return {
    revision: entry.id,
    epoch: entry.epoch,
    bounds: entry.bounds,
    instances: places.flatMap((place) => place.state() ?? []),
    failure: staying.map((place) => place.failing()).find((failure) => failure !== null) ?? null,
  };
}

function full(wanted: number, where: string, limit: number): Error {
  return engineErrors.error("ENGINE_FULL", { given: { wanted, where, limit } });
}
