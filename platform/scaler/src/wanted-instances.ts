/**
 * The one owner of instance counts. The rollout sets bounds, the engine runs what it is told, and
 * only this function says how many.
 *
 *   needed   1 while people are sent here, but 0 for one that may sleep and that nobody asks for
 *   floor    the most of: the manifest's instancesMin, the bound's min, what is needed
 *   ceiling  the least of: the manifest's instancesMax, the bound's max, but no less than is needed
 *
 * It answers the floor, cut at the ceiling: nothing grows with load yet. A revision may sleep when
 * its manifest allows no instance at all; it does once nothing was asked of it for `idleSeconds`, and
 * wakes as soon as a request waits for it. What has people and may not sleep is never left without
 * an instance, whatever the bounds say: a mistake in them would otherwise be an outage. Nothing is
 * remembered here; how long it was idle comes from whoever keeps a history.
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
  /** Requests being answered by its instances. */
  readonly inFlight: number;
  /** Requests waiting for an instance of it. */
  readonly queued: number;
  /** Milliseconds since anything was last asked of it; 0 where that is not known. */
  readonly idleMs: number;
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
 *   observed: { weight: 5, inFlight: 0, queued: 0, idleMs: 0 },
 * }); // 1
 */
export function wantedInstances({ manifest, bounds, observed }: ScalerInput): number {
  const { instancesMin, instancesMax } = manifest.scaling;
  const maySleep = instancesMin === 0 && !isAskedFor(manifest, observed);
  const needed = observed.weight > 0 && !maySleep ? 1 : 0;
  const floor = Math.max(instancesMin, bounds.min, needed);
  const ceiling = Math.max(Math.min(instancesMax, bounds.max), needed);
  return Math.min(floor, ceiling);
}

function isAskedFor({ scaling }: ScalerInput["manifest"], observed: Observed): boolean {
  const { inFlight, queued, idleMs } = observed;
  return inFlight > 0 || queued > 0 || idleMs < scaling.idleSeconds * 1_000;
}
