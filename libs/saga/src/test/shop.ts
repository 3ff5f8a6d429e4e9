/** A database, participants, and as many instances with sagas as a test wants. */
import { fileURLToPath } from "node:url";
import { newId, systemClock } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { createPool, tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { createLogger, createMetrics } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { createSagaCall } from "../caller.ts";
import type { SagaDefinition } from "../define-saga.ts";
import { createSagaModule } from "../module.ts";
import type { Sagas } from "../module.ts";
import { orderSaga } from "./order-saga.ts";
import { startParticipants } from "./participants.ts";
import type { Participants } from "./participants.ts";

export interface Instance extends Sagas {
  readonly log: readonly string[];
  readonly pool: Pool;
  stop(): Promise<void>;
}

export interface Shop {
  readonly database: TestDatabase;
  readonly participants: Participants;
  /** A superuser's pool, to look behind the library's back and to let leases end. */
  readonly admin: Pool;
  instance(options?: InstanceOptions): Promise<Instance>;
  /** Starts an order in a transaction of its own. */
  order(sagas: Instance, order: string, more?: object): Promise<string>;
  /** Ends the lease on a saga now, as if 5 s had gone by. */
  endLease(saga: string): Promise<void>;
  close(): Promise<void>;
}

export interface InstanceOptions {
  readonly definitions?: readonly SagaDefinition[];
  readonly pollEveryMs?: number;
  readonly startNewAfterMs?: number;
  /** Its own pool at this address, for faults between it and the database. */
  readonly databaseUrl?: string;
  readonly clock?: Clock;
}

/** Long enough that the background does nothing unless a test asks for it. */
export const NEVER_MS = 3_600_000;

export async function startShop(): Promise<Shop> {
  const migrations = fileURLToPath(new URL("migrations", import.meta.url));
  const database = await testDatabase({ service: "shop", migrations, connectionsMax: 20 });
  const participants = await startParticipants();
  const { adminUrl } = database;
  const admin = createPool({
    url: adminUrl,
    connectionsMax: 3,
    applicationName: "behind its back",
  });
  const instances = new Set<Instance>();
  return {
    database,
    participants,
    admin,
    instance: async (options = {}) => {
      const log: string[] = [];
      const own =
        options.databaseUrl === undefined
          ? null
          : createPool({
              url: options.databaseUrl,
              connectionsMax: 10,
              applicationName: "at the door",
            });
      const pool = own ?? database.pool;
      const sagas = createSagaModule({
        definitions: options.definitions ?? [orderSaga()],
        pool,
        call: createSagaCall({
          internalUrl: participants.url,
          instance: "ins_test",
          instanceSecret: "secret",
        }),
        clock: options.clock ?? systemClock,
        logger: createLogger({ service: "shop", destination: { write: (l) => void log.push(l) } }),
        metrics: createMetrics("shop"),
        instance: newId("ins"),
        pollEveryMs: options.pollEveryMs ?? NEVER_MS,
        ...(options.startNewAfterMs === undefined
          ? {}
          : { startNewAfterMs: options.startNewAfterMs }),
      });
      await sagas.module.start?.();
      const running: Instance = {
        ...sagas,
        log,
        pool,
        stop: async () => {
          if (!instances.delete(running)) return;
          await sagas.module.stop?.();
          await own?.end();
        },
      };
      instances.add(running);
      return running;
    },
    order: async (sagas, order, more = {}) => {
      const data = { order, ...more };
      const begun = await tx(sagas.pool, (t) => sagas.start(t, "order", { key: order, data }));
      return begun.saga;
    },
    endLease: async (saga) => {
      await admin.query(
        `update tideway.sagas set lease_until = now(), due_at = now()
         where id = $1 and lease_owner is not null`,
        [uuid(saga)],
      );
    },
    close: async () => {
      await Promise.all([...instances].map((one) => one.stop()));
      await Promise.all([participants.close(), admin.end()]);
      await database.close();
    },
  };
}

export { uuidOf as uuid } from "../store/write.ts";
import { uuidOf as uuid } from "../store/write.ts";
