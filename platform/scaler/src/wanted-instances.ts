/**
 * The one owner of instance counts. The rollout sets bounds, the engine runs what it is told, and
 * only this function says how many.
 *
 *   floor    the most of: the manifest's instancesMin, the bound's min, 1 while people are sent here
 *   ceiling  the least of: the manifest's instancesMax, the bound's max, but 1 while people are sent
 *
 * In this release it answers the floor, cut at the ceiling: nothing grows with demand yet. Demand
 * is part of the input already, so growing with it changes no caller.
 *
 * A revision with weight is never left without an instance, whatever the bounds say: a mistake in
 * them would otherwise be an outage. Nothing is decided here over time; delays belong to whoever
 * keeps a history.
 */
import type { Manifest } from "@tideway/schema";

/** How many instances the rollout allows a revision. */
export interface InstanceBounds {
  readonly min: number;
  readonly max: number;
}

export interface Observed {
  /** Percent of people sent to the revision, 0 to 100. */
  readonly weight: number;
  /** Requests being answered by its instances; not used yet. */
  readonly inFlight: number;
  /** Requests waiting for an instance of it; not used yet. */
  readonly queued: number;
}

export interface ScalerInput {
  readonly manifest: Pick<Manifest, "scaling">;
  readonly bounds: InstanceBounds;
  readonly observed: Observed;
}

/**
 * How many instances a revision shall have now.
 *
 * @example
 * wantedInstances({
 *   manifest,
 *   bounds: { min: 1, max: 8 },
 *   observed: { weight: 5, inFlight: 0, queued: 0 },
 * }); // 1
 */
export function wantedInstances({ manifest, bounds, observed }: ScalerInput): number {
  const { instancesMin, instancesMax } = manifest.scaling;
  const needed = observed.weight > 0 ? 1 : 0;
  const floor = Math.max(instancesMin, bounds.min, needed);
  const ceiling = Math.max(Math.min(instancesMax, bounds.max), needed);
  return Math.min(floor, ceiling);
}
