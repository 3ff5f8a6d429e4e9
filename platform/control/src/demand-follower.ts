/** Looks at once when somebody waits for a service that sleeps, rather than at the next look. */
import type { GatewayAdmin } from "@tideway/gateway";
import { sleep } from "@tideway/kernel";

/** While the gateway is away it is asked again each second; the conductor looks meanwhile anyway. */
const AGAIN_MS = 1_000;
/** Between two answers, so that a crowd that waits is one look and not a thousand. */
const PAUSE_MS = 20;

/** Calls `wake` each time that demand arose; resolves when `signal` fires. */
export async function followDemand(
  gateway: Pick<GatewayAdmin, "demand">,
  wake: () => void,
  signal: AbortSignal,
): Promise<void> {
  let count = 0;
  while (!signal.aborted) {
    try {
      const answer = await gateway.demand(count, signal);
      if (answer.count !== count) wake();
      count = answer.count;
      await sleep(PAUSE_MS, signal);
    } catch {
      // Away, or told to end: the conductor says so where it matters.
      count = 0;
      await sleep(AGAIN_MS, signal);
    }
  }
}
