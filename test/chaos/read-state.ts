/** What the databases of an installation say of events and sagas, read with a superuser's rights. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { uuidToId } from "@tideway/kernel";
import type { Installation } from "../system/harness.ts";

export interface LoggedRow {
  readonly event: string;
  readonly source: string;
  readonly type: string;
  readonly key: string;
  readonly partition: number;
  readonly place: number;
  readonly data: string;
}

export interface InboxRow {
  readonly event: string;
  readonly receivedMs: number;
}

export interface SagaInRows {
  readonly saga: string;
  readonly name: string;
  readonly state: string;
  readonly owner: string | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly steps: readonly {
    readonly step: string;
    readonly kind: string;
    readonly state: string;
  }[];
}

export interface Consumer {
  readonly service: string;
  /** Types of events. */
  readonly consumes: readonly string[];
}

/** The services that have a database of their own, by the files of their addresses. */
export function servicesOf(tideway: Installation): string[] {
  return readdirSync(join(tideway.home, "secrets/database")).flatMap((file) =>
    file.endsWith(".url") ? [file.slice(0, -".url".length)] : [],
  );
}

/** What the manifests of the revisions say that they consume. */
export function consumersOf(tideway: Installation): Consumer[] {
  const revisions = join(tideway.home, "revisions");
  return readdirSync(revisions).map((service) => {
    const types = readdirSync(join(revisions, service)).flatMap((digest) => {
      const file = join(revisions, service, digest, "manifest.json");
      // Written by `tideway deploy` as @tideway/schema's Manifest.
      const manifest = JSON.parse(readFileSync(file, "utf8")) as {
        readonly consumes?: readonly { readonly type: string }[];
      };
      return (manifest.consumes ?? []).map(({ type }) => type);
    });
    return { service, consumes: [...new Set(types)] };
  });
}

export async function readLog(tideway: Installation): Promise<LoggedRow[]> {
  const rows = await rowsOf<Omit<LoggedRow, "event"> & { readonly event_id: string }>(
    tideway,
    "tideway_bus",
    "log",
    `select event_id, source, type, key, partition::int as partition, place::int as place, data
     from log order by partition, place`,
  );
  return rows.map(({ event_id, ...row }) => ({ ...row, event: event_id }));
}

/** Keys in trouble, by group. */
export async function readLanes(tideway: Installation): Promise<{ group: string; lane: string }[]> {
  return rowsOf(tideway, "tideway_bus", "lanes", 'select "group", lane from lanes');
}

export async function readOutbox(tideway: Installation, service: string): Promise<string[]> {
  const rows = await rowsOf<{ event_id: string }>(
    tideway,
    databaseOf(service),
    "tideway.outbox",
    "select event_id from tideway.outbox",
  );
  return rows.map(({ event_id }) => event_id);
}

export async function readInbox(tideway: Installation, service: string): Promise<InboxRow[]> {
  const rows = await rowsOf<{ event_id: string; received_at: Date }>(
    tideway,
    databaseOf(service),
    "tideway.inbox",
    "select event_id, received_at from tideway.inbox where replay = 0",
  );
  return rows.map(({ event_id, received_at }) => {
    return { event: event_id, receivedMs: received_at.getTime() };
  });
}

export async function readSagas(tideway: Installation, service: string): Promise<SagaInRows[]> {
  const rows = await rowsOf<
    Omit<SagaInRows, "saga" | "createdMs" | "updatedMs"> & {
      readonly id: string;
      readonly created_at: Date;
      readonly updated_at: Date;
    }
  >(
    tideway,
    databaseOf(service),
    "tideway.sagas",
    `select s.id, s.name, s.state, s.lease_owner as owner, s.created_at, s.updated_at,
       coalesce((select json_agg(json_build_object('step', t.step, 'kind', t.kind, 'state', t.state)
                                 order by t.position)
                 from tideway.saga_steps t where t.saga = s.id), '[]') as steps
     from tideway.sagas s`,
  );
  return rows.map(({ id, created_at, updated_at, ...row }) => ({
    ...row,
    saga: id,
    createdMs: created_at.getTime(),
    updatedMs: updated_at.getTime(),
  }));
}

export interface SeenLease {
  readonly resource: string;
  readonly owner: string;
  readonly fence: number;
}

/** Who holds what at this moment. */
export async function readLeases(
  tideway: Installation,
  services: readonly string[],
): Promise<SeenLease[]> {
  const seen: SeenLease[] = [];
  for (const service of services) {
    const held = await rowsOf<{ id: string; owner: string; fence: number }>(
      tideway,
      databaseOf(service),
      "tideway.sagas",
      `select id, lease_owner as owner, fence::int as fence from tideway.sagas
       where lease_owner is not null`,
    );
    seen.push(...held.map(({ id, owner, fence }) => ({ resource: id, owner, fence })));
  }
  const log = await rowsOf<{ owner: string; fence: number }>(
    tideway,
    "tideway_bus",
    "writer",
    "select owner, fence::int as fence from writer",
  );
  return [...seen, ...log.map((row) => ({ ...row, resource: "log" }))];
}

/** Every transfer of the ledger, as its events name it. */
export async function readTransfers(tideway: Installation): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    tideway,
    "tideway_ledger",
    "transfers",
    "select id from transfers",
  );
  return rows.map(({ id }) => uuidToId("trf", id));
}

/** Holds that nothing has ended. */
export async function readOpenHolds(tideway: Installation): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    tideway,
    "tideway_ledger",
    "transfers",
    `select t.id from transfers t
     where t.kind = 'hold' and not exists (select 1 from hold_resolutions r where r.hold = t.id)`,
  );
  return rows.map(({ id }) => id);
}

export interface AccountRow {
  readonly account: string;
  readonly asset: string;
  readonly limited: boolean;
  readonly side: "debit" | "credit";
  readonly balance: bigint;
}

export async function readAccounts(tideway: Installation): Promise<AccountRow[]> {
  const rows = await rowsOf<Omit<AccountRow, "balance"> & { readonly balance: string }>(
    tideway,
    "tideway_ledger",
    "accounts",
    `select id as account, asset, limited, normal_side as side,
       (credits_posted - debits_posted)::text as balance from accounts`,
  );
  return rows.map((row) => ({ ...row, balance: BigInt(row.balance) }));
}

function databaseOf(service: string): string {
  return `tideway_${service.replaceAll("-", "_")}`;
}

/** Nothing where the database or its table does not exist: not every installation has a bus. */
async function rowsOf<T extends object>(
  tideway: Installation,
  database: string,
  table: string,
  sql: string,
): Promise<T[]> {
  if (!(await hasDatabase(tideway, database))) return [];
  const inside = await tideway.database(database);
  try {
    const known = await inside.query<{ oid: string | null }>("select to_regclass($1) as oid", [
      table,
    ]);
    if (known.rows[0]?.oid === null) return [];
    return (await inside.query<T>(sql)).rows;
  } finally {
    await inside.end();
  }
}

async function hasDatabase(tideway: Installation, database: string): Promise<boolean> {
  const client = await tideway.database("postgres");
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [database]);
    return found.rowCount === 1;
  } finally {
    await client.end();
  }
}
