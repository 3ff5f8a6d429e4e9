/** A database per test file, made and migrated as in production, with the same roles. */
import { randomBytes } from "node:crypto";
import {
  PLATFORM_MIGRATIONS,
  createPool,
  identifier,
  issueLogin,
  migrate,
  provisionDatabase,
} from "@tideway/store";
import type { Pool } from "@tideway/store";
import { Client } from "pg";

export interface TestDatabaseOptions {
  readonly service: string;
  /** The service's migrations folder. */
  readonly migrations?: string;
  readonly connectionsMax?: number;
}

export interface TestDatabase {
  /** What the service would get as TIDEWAY_DATABASE_URL. */
  readonly url: string;
  /** The superuser's address, for looking behind the service's back. */
  readonly adminUrl: string;
  /** A pool with the service's own rights. */
  readonly pool: Pool;
  /** Ends the pool and drops the database. */
  close(): Promise<void>;
}

/**
 * Makes a database for this test file.
 *
 * @example
 * const database = await testDatabase({ service: "ledger", migrations: "services/ledger/migrations" });
 * afterAll(() => database.close());
 */
export async function testDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const adminUrl = process.env["TIDEWAY_TEST_POSTGRES_URL"];
  if (!adminUrl) throw new Error("The tests' PostgreSQL does not run: start them with npm test.");
  const connectionsMax = options.connectionsMax ?? 10;
  const suffix = randomBytes(5).toString("hex");
  const base = options.service.replaceAll("-", "_");
  const service = await provisionDatabase({
    adminUrl,
    service: options.service,
    database: `test_${base}_${suffix}`,
    connectionsMax: connectionsMax + 20,
  });
  if (options.migrations !== undefined) {
    await migrate({
      url: service.adminUrl,
      folder: options.migrations,
      platformFolder: PLATFORM_MIGRATIONS,
      ownerRole: service.ownerRole,
    });
  }
  const login = `${base}_test_${suffix}`;
  const url = await issueLogin({
    adminUrl,
    database: service,
    login,
    connectionsMax: connectionsMax + 20,
  });
  const pool = createPool({ url, connectionsMax, applicationName: "test" });
  return {
    url,
    adminUrl: service.adminUrl,
    pool,
    close: async () => {
      await pool.end();
      await dropDatabase(adminUrl, service.database, login);
    },
  };
}

async function dropDatabase(adminUrl: string, database: string, login: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`drop database ${identifier(database)} with (force)`);
  await admin.query(`drop role ${identifier(login)}`);
  await admin.end();
}
