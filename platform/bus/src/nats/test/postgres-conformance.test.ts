/** The suite of all carriers on the log in PostgreSQL. A crash ends a session amid its append. */
import { fileURLToPath } from "node:url";
import { until } from "@tideway/kernel";
import { migrate } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import { takeOwnership } from "../../ownership.ts";
import type { Ownership } from "../../ownership.ts";
import { openBusPool, postgresCarrier } from "../../postgres-carrier.ts";
import { carrierConformance } from "./carrier-conformance.ts";

const ignore = (): void => {};
const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const migrations = fileURLToPath(new URL("../../../migrations", import.meta.url));

carrierConformance("PostgreSQL", async () => {
  const database = await testDatabase({ service: "bus" });
  await migrate({ url: database.adminUrl, folder: migrations });
  const pool = openBusPool(database.adminUrl);
  const owners: Ownership[] = [];
  return {
    open: async () => {
      const options = { pool, owner: "suite", logger, waitMs: 0, takesOver: true } as const;
      const owner = await takeOwnership(options);
      owners.push(owner);
      return postgresCarrier({ pool, fence: owner.fence });
    },
    crash: () => endSessionAmidAppend(pool),
    close: async () => {
      for (const owner of owners) await owner.release();
      await pool.end();
      await database.close();
    },
  };
});

async function endSessionAmidAppend(pool: Pool): Promise<void> {
  const end = async (): Promise<boolean> => {
    const { rowCount } = await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and state = 'active' and query like '%append_events%'
         and pid <> pg_backend_pid()`,
    );
    return (rowCount ?? 0) > 0;
  };
  await until(end, { deadlineMs: 20_000, intervalMs: 0, what: "an append is under way" });
}
