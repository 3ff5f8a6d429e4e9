/** The bus itself with a database of its own, answering on a socket. */
import { startBus } from "@tideway/bus";
import type { Bus, BusOptions } from "@tideway/bus";
import { systemClock } from "@tideway/kernel";
import type { Logger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";

export interface RealBus {
  readonly bus: Bus;
  close(): Promise<void>;
}

/** Without a gateway of `reach` it reaches none. */
export async function startRealBus(
  adminSocket: string,
  logger: Logger,
  reach: Partial<Pick<BusOptions, "internalUrl" | "secret" | "splits">> = {},
): Promise<RealBus> {
  const database = await testDatabase({ service: "bus" });
  const bus = await startBus({
    busUrl: database.adminUrl,
    relayUrl: database.adminUrl,
    internalUrl: "http://127.0.0.1:9",
    secret: "0".repeat(64),
    splits: () => Promise.resolve({ bootId: "none", services: [] }),
    clock: systemClock,
    logger,
    adminSocket,
    // The tests' server does without fsync.
    isUnsafe: true,
    ...reach,
  });
  return {
    bus,
    close: async () => {
      await bus.close();
      await database.close();
    },
  };
}
