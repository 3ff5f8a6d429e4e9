/**
 * Migrations: numbered SQL files, forward only, each in a transaction of its own, run once and
 * under a lock before a revision starts. They wait 2 s for a lock at most, so a migration never
 * stands in the way of the revision that is serving.
 */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { defineErrors } from "@tideway/kernel";
import { identifier } from "./identifier.ts";
import { sqlState } from "./tx.ts";

export const migrationErrors = defineErrors({
  MIGRATION_FAILED: {
    status: 409,
    retryable: false,
    title: "The migration {file} failed: {problem}.",
    action: "Correct it; nothing of this file was kept and no traffic moved.",
  },
  MIGRATION_ALTERED: {
    status: 409,
    retryable: false,
    title: "The migration {file} ran before with other contents.",
    action: "Restore it, and put the change into a new file with the next number.",
  },
  MIGRATION_BUSY: {
    status: 409,
    retryable: true,
    title: "Other migrations of this database are under way; none of {file} was begun.",
    action: "Wait until they are through and try again.",
  },
  MIGRATION_NAME_INVALID: {
    status: 400,
    retryable: false,
    title: "{file} is not named like 0001_what_it_does.sql, or its number is taken.",
    action: "Rename it.",
  },
});

export interface MigrateOptions {
  /** A superuser's or the owner's address of the service's database. */
  readonly url: string;
  readonly folder: string;
  /** Files that run before those of `folder`, known as platform/<file>: the platform's own tables. */
  readonly platformFolder?: string;
  /** The role that shall own what is made. */
  readonly ownerRole?: string;
  readonly lockTimeoutMs?: number;
  /** A statement that runs longer is cancelled, and its file undone. */
  readonly statementTimeoutMs?: number;
}

const LOCK_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 600_000;
const LOCK_NOT_AVAILABLE = "55P03";

/** The tables that the platform keeps in each service's database: outbox, inbox, sagas. */
export const PLATFORM_MIGRATIONS = fileURLToPath(
  new URL("../platform-migrations", import.meta.url),
);

interface MigrationFile {
  readonly file: string;
  readonly sql: string;
  readonly digest: string;
}

/** Runs what has not run yet and answers the names of those files. */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const own = await readMigrations(options.folder);
  const platform =
    options.platformFolder === undefined ? [] : await readMigrations(options.platformFolder);
  const files = [...platform.map((one) => ({ ...one, file: `platform/${one.file}` })), ...own];
  const client = new Client({ connectionString: options.url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {
    // The statement under way rejects with the same error.
  });
  await client.connect();
  try {
    if (options.ownerRole) await client.query(`set role ${identifier(options.ownerRole)}`);
    await client.query(`set lock_timeout = ${options.lockTimeoutMs ?? LOCK_TIMEOUT_MS}`);
    const statementMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
    await client.query(`set statement_timeout = ${statementMs}`);
    await lockMigrations(client, files);
    await client.query(`create table if not exists schema_migrations (
      file text primary key, digest text not null, applied_at timestamptz not null default now())`);
    return await runMissing(client, files);
  } finally {
    await client.end();
  }
}

/** The lock belongs to the connection, so a runner that dies gives it back. */
async function lockMigrations(client: Client, files: readonly MigrationFile[]): Promise<void> {
  try {
    await client.query("select pg_advisory_lock(hashtext('tideway migrations'))");
  } catch (error) {
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    const file = files.at(-1)?.file ?? "no file";
    throw migrationErrors.error("MIGRATION_BUSY", { given: { file }, cause: error });
  }
}

async function runMissing(client: Client, files: readonly MigrationFile[]): Promise<string[]> {
  const known = await client.query<{ file: string; digest: string }>(
    "select file, digest from schema_migrations",
  );
  const digests = new Map(known.rows.map((row) => [row.file, row.digest]));
  const ran: string[] = [];
  for (const migration of files) {
    const digest = digests.get(migration.file);
    if (digest === migration.digest) continue;
    if (digest !== undefined) {
      throw migrationErrors.error("MIGRATION_ALTERED", { given: { file: migration.file } });
    }
    await runOne(client, migration);
    ran.push(migration.file);
  }
  return ran;
}

async function runOne(client: Client, migration: MigrationFile): Promise<void> {
  try {
    await client.query("begin");
    await client.query(migration.sql);
    await client.query("insert into schema_migrations (file, digest) values ($1, $2)", [
      migration.file,
      migration.digest,
    ]);
    const commit = await client.query("commit");
    if (commit.command !== "COMMIT") throw new Error("the commit was answered with ROLLBACK");
  } catch (error) {
    await client.query("rollback").catch(() => {
      // The connection is gone, and the transaction with it.
    });
    const problem = error instanceof Error ? error.message : String(error);
    throw migrationErrors.error("MIGRATION_FAILED", {
      given: { file: migration.file, problem },
      cause: error,
    });
  }
}

async function readMigrations(folder: string): Promise<MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const numbers = new Set<string>();
  return Promise.all(
    names.map(async (file) => {
      const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1];
      if (number === undefined || numbers.has(number)) {
        throw migrationErrors.error("MIGRATION_NAME_INVALID", { given: { file } });
      }
      numbers.add(number);
      const sql = await readFile(join(folder, file), "utf8");
      return { file, sql, digest: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}
