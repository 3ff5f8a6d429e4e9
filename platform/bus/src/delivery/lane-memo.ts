/** The gateway's division of the keys, remembered: one hash a key and rollout, not one a look. */
import { laneOf, placeOf } from "@tideway/gateway";
import type { Lane, Place } from "@tideway/gateway";
import type { DeliveryOptions, DeliverySplit } from "../machine/delivery-types.ts";

/** Keys of one rollout, of some 150 bytes each; beyond it all are forgotten and asked anew. */
const KEYS_MAX = 50_000;
/** Rollouts at a time: the present one, and those of which something still waits. */
const ROLLOUTS_MAX = 4;

/** The same answers as `laneOfKey`. */
export function rememberingLanes(): DeliveryOptions["laneOf"] {
  const rollouts = new Map<string, Map<string, Place>>();
  const placesOf = (rollout: string): Map<string, Place> => {
    const known = rollouts.get(rollout);
    if (known !== undefined && known.size < KEYS_MAX) return known;
    if (known === undefined && rollouts.size >= ROLLOUTS_MAX) rollouts.clear();
    const fresh = new Map<string, Place>();
    rollouts.set(rollout, fresh);
    return fresh;
  };
  return (split: DeliverySplit, keyDigits: string): Lane => {
    const { candidate, rollout } = split;
    if (candidate === null || rollout === null) return "stable";
    const places = placesOf(rollout);
    let place = places.get(keyDigits);
    if (place === undefined) {
      place = placeOf(rollout, `key ${keyDigits}`);
      places.set(keyDigits, place);
    }
    return laneOf(split, place);
  };
}
