/** Control's own database, made and migrated like any service's. */
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { issueLogin, migrate, provisionDatabase, isAnswering } from "@tideway/store";
import { Client } from "pg";
import { controlErrors } from "./config.ts";
import type { ControlConfig } from "./config.ts";
import { DEMO_OPERATOR } from "@tideway/api-admin";

const CONNECTIONS_MAX = 20;
const POSTGRES_WAIT_MS = 60_000;

/** Waits for PostgreSQL, migrates, and answers the address control connects with. */
export async function openControlDatabase(config: ControlConfig): Promise<string> {
  await until(() => isAnswering(config.postgresUrl), {
    deadlineMs: POSTGRES_WAIT_MS,
    intervalMs: 50,
    what: "PostgreSQL answers",
  });
  const database = await provisionDatabase({
    adminUrl: config.postgresUrl,
    service: "control",
    connectionsMax: CONNECTIONS_MAX,
  });
  await migrate({
    url: database.adminUrl,
    folder: join(import.meta.dirname, "..", "migrations"),
    ownerRole: database.ownerRole,
  });
  if (config.profile === "production") await refuseDemoOperator(database.adminUrl);
  // A new password each start: the control before this one is gone.
  return issueLogin({
    adminUrl: config.postgresUrl,
    database,
    login: "control_login_a",
    connectionsMax: CONNECTIONS_MAX,
  });
}

async function refuseDemoOperator(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const found = await client.query("select 1 from operators where name = $1", [DEMO_OPERATOR.name]);
  await client.end();
  if (found.rowCount !== 0) throw controlErrors.error("DEMO_OPERATOR_IN_PRODUCTION");
}
