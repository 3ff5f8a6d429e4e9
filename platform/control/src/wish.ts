/** What a rollout under way wants of the world. */
import { desired } from "@tideway/rollout";
import type { Desired, RolloutState } from "@tideway/rollout";

/**
 * Null for a state that this version of control does not know, as a newer one may have written it:
 * the stable revision then keeps all traffic, and every other service goes on.
 */
export function wishOf(state: RolloutState): Desired | null {
  try {
    return desired(state);
  } catch {
    // The conductor looks at the same state and logs what is wrong with it.
    return null;
  }
}
