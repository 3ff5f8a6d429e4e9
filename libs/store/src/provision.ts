/**
 * A service's database and roles:
 *
 *   <service>_owner  NOLOGIN  owns the tables, runs migrations
 *   <service>_app    NOLOGIN  runs the service; gets what the migrations grant, no more
 *   <service>_login_a, _b     log in as members of _app; a new password goes to the one not in
 *                             use, so that passwords change without an interruption
 *
 *   tideway_relay             NOLOGIN  one for all databases: the bus takes events from outboxes
 *
 * Nobody but these roles may connect to the database.
 */
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { identifier, literal } from "./identifier.ts";

/** Sees outboxes and `tideway_due`, nothing else. */
export const RELAY_ROLE = "tideway_relay";

/** For migrations, the relay and whoever looks by hand. */
const CONNECTIONS_OF_OTHERS = 10;

export interface ProvisionOptions {
  /** A superuser's address. */
  readonly adminUrl: string;
  readonly service: string;
  /** Defaults to tideway_<service>. */
  readonly database?: string;
  readonly connectionsMax: number;
}

export interface ServiceDatabase {
  readonly database: string;
  readonly ownerRole: string;
  readonly appRole: string;
  /** The superuser's address of this database, for migrations. */
  readonly adminUrl: string;
}

/** Creates what is missing; safe to repeat and to run twice at once. */
export async function provisionDatabase(options: ProvisionOptions): Promise<ServiceDatabase> {
  const base = options.service.replaceAll("-", "_");
  const database = options.database ?? `tideway_${base}`;
  const ownerRole = `${base}_owner`;
  const appRole = `${base}_app`;
  await withAdmin(options.adminUrl, async (admin) => {
    await admin.query("select pg_advisory_lock(hashtext('tideway provision'))");
    for (const role of [ownerRole, appRole, RELAY_ROLE]) {
      const known = await admin.query("select 1 from pg_roles where rolname = $1", [role]);
      if (known.rowCount === 0) await admin.query(`create role ${identifier(role)} nologin`);
    }
    const known = await admin.query("select 1 from pg_database where datname = $1", [database]);
    if (known.rowCount === 0) {
      await admin.query(`create database ${identifier(database)} owner ${identifier(ownerRole)}`);
    }
    await admin.query(`revoke all on database ${identifier(database)} from public`);
    await admin.query(
      `grant connect on database ${identifier(database)}
       to ${identifier(ownerRole)}, ${identifier(appRole)}, ${identifier(RELAY_ROLE)}`,
    );
    await raiseDatabaseLimit(admin, database, options.connectionsMax + CONNECTIONS_OF_OTHERS);
  });
  return { database, ownerRole, appRole, adminUrl: withDatabase(options.adminUrl, database) };
}

export interface LoginOptions {
  readonly adminUrl: string;
  readonly database: ServiceDatabase;
  /** The login role, for example payments_login_a. */
  readonly login: string;
  readonly connectionsMax: number;
}

/** Gives a login role a new random password and answers the address a service connects with. */
export async function issueLogin(options: LoginOptions): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  const role = identifier(options.login);
  await withAdmin(options.adminUrl, async (admin) => {
    await admin.query("select pg_advisory_lock(hashtext('tideway provision'))");
    const known = await admin.query("select 1 from pg_roles where rolname = $1", [options.login]);
    if (known.rowCount === 0) {
      await admin.query(
        `create role ${role} login in role ${identifier(options.database.appRole)}`,
      );
    }
    await admin.query(
      `alter role ${role} with login connection limit ${options.connectionsMax} password ${literal(password)}`,
    );
  });
  const url = new URL(withDatabase(options.adminUrl, options.database.database));
  url.username = options.login;
  url.password = password;
  return url.href;
}

export interface AllowOptions {
  readonly adminUrl: string;
  readonly login: string;
  readonly connectionsMax: number;
}

/** Raises how many connections a login may have, for a revision that needs more than those before. */
export async function allowConnections(options: AllowOptions): Promise<void> {
  await withAdmin(options.adminUrl, async (admin) => {
    const known = await admin.query(
      "select 1 from pg_roles where rolname = $1 and rolconnlimit between 0 and $2 - 1",
      [options.login, options.connectionsMax],
    );
    if (known.rowCount === 0) return;
    await admin.query("select pg_advisory_lock(hashtext('tideway provision'))");
    await admin.query(
      `alter role ${identifier(options.login)} connection limit ${options.connectionsMax}`,
    );
  });
}

/** Never lowered: the revision that serves may need more than the one that comes. */
async function raiseDatabaseLimit(admin: Client, database: string, limit: number): Promise<void> {
  const enough = await admin.query(
    "select 1 from pg_database where datname = $1 and datconnlimit >= $2",
    [database, limit],
  );
  if (enough.rowCount !== 0) return;
  await admin.query(`alter database ${identifier(database)} connection limit ${limit}`);
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

async function withAdmin(url: string, act: (admin: Client) => Promise<void>): Promise<void> {
  const admin = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  admin.on("error", () => {
    // The statement under way rejects with the same error.
  });
  await admin.connect();
  try {
    await act(admin);
  } finally {
    await admin.end();
  }
}
