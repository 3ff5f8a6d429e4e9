/** The bus's client as control needs it: one that does not answer is told by a code of its own. */
import { adminErrors } from "@tideway/api-admin";
import { busAdmin as clientOf } from "@tideway/bus";
import type { BusAdmin } from "@tideway/bus";
import { isCoded } from "@tideway/kernel";

export interface BusHealth {
  readonly status: "ok" | "unconfigured";
  /** Of its configuration; 0 while it has none. */
  readonly epoch: number;
}

/** An operator waits for the answer; what takes longer goes on in the bus. */
const TIMEOUT_MS = 5_000;

/**
 * A client of the bus's socket. Every call rejects with a coded error: the bus's own, or BUS_AWAY
 * when it does not answer within 5 s or is not there.
 *
 * @example await busAdmin("/srv/tideway/run/bus.sock").groups();
 */
export function busAdmin(socketPath: string): BusAdmin {
  const bus = clientOf(socketPath, { timeoutMs: TIMEOUT_MS });
  return {
    putConfig: (config) => toldAway(bus.putConfig(config)),
    health: () => toldAway(bus.health()),
    groups: () => toldAway(bus.groups()),
    keys: (group, query) => toldAway(bus.keys(group, query)),
    redrive: (group, key) => toldAway(bus.redrive(group, key)),
    replay: (group, asked) => toldAway(bus.replay(group, asked)),
    events: (query) => toldAway(bus.events(query)),
    metrics: () => toldAway(bus.metrics()),
    close: () => bus.close(),
  };
}

/** Null while it does not answer; one that waits for its configuration does. */
export async function healthOf(bus: Pick<BusAdmin, "health">): Promise<BusHealth | null> {
  try {
    const { epoch } = await bus.health();
    return { status: "ok", epoch };
  } catch (error) {
    return isCoded(error, "BUS_NOT_CONFIGURED") ? { status: "unconfigured", epoch: 0 } : null;
  }
}

async function toldAway<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (isCoded(error, "UPSTREAM_UNAVAILABLE")) {
      throw adminErrors.error("BUS_AWAY", { cause: error });
    }
    throw error;
  }
}
