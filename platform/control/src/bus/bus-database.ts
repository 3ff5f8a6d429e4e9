/**
 * What the bus needs of PostgreSQL: a database of its own, with a login that owns it, and the login
 * with which it reads the services' outboxes. Their addresses stand in secrets/database/bus.json;
 * the bus waits until that file is there. A password that works is kept, so that a bus which runs
 * is not cut off by a control that starts.
 */
import { join } from "node:path";
import { RELAY_ROLE, issueLogin, provisionDatabase, withDatabase } from "@tideway/store";
import type { ServiceDatabase } from "@tideway/store";
import { Client } from "pg";
import { readSecret, writeSecret } from "../secrets.ts";

export interface BusDatabaseOptions {
  readonly home: string;
  /** A superuser's address of the server. */
  readonly postgresUrl: string;
  /** Defaults to bus: database tideway_bus, login bus_login. */
  readonly name?: string;
  /** Defaults to tideway_relay_login. */
  readonly relayLogin?: string;
}

export interface BusAddresses {
  readonly busUrl: string;
  /** Of the relay's login; the database is to be replaced with each service's. */
  readonly relayUrl: string;
}

const BUS_CONNECTIONS_MAX = 20;
/** One that listens and one that reads, for each of at most 32 services with a database. */
const RELAY_CONNECTIONS_MAX = 64;
/** invalid_password, invalid_authorization_specification, invalid_catalog_name. */
const LOGIN_REFUSED = new Set(["28P01", "28000", "3D000"]);

export function busFileOf(home: string): string {
  return join(home, "secrets", "database", "bus.json");
}

/** Makes what is missing; safe to repeat. Rejects while PostgreSQL is away. */
export async function prepareBusDatabase(options: BusDatabaseOptions): Promise<BusAddresses> {
  const { home, postgresUrl: adminUrl, name = "bus" } = options;
  const file = busFileOf(home);
  const known = addressesIn(await readSecret(file));
  const database = await provisionDatabase({
    adminUrl,
    service: name,
    connectionsMax: BUS_CONNECTIONS_MAX,
  });
  const addresses = {
    busUrl: await loginFor(adminUrl, known?.busUrl, {
      // The bus migrates its tables itself, so it is the owner and no mere user of them.
      database: { ...database, appRole: database.ownerRole },
      login: `${name.replaceAll("-", "_")}_login`,
      connectionsMax: BUS_CONNECTIONS_MAX,
    }),
    relayUrl: await loginFor(adminUrl, known?.relayUrl, {
      database: { ...database, appRole: RELAY_ROLE },
      login: options.relayLogin ?? "tideway_relay_login",
      connectionsMax: RELAY_CONNECTIONS_MAX,
    }),
  };
  const isKnown = known?.busUrl === addresses.busUrl && known.relayUrl === addresses.relayUrl;
  if (!isKnown) await writeSecret(file, JSON.stringify(addresses));
  return addresses;
}

interface Login {
  readonly database: ServiceDatabase;
  readonly login: string;
  readonly connectionsMax: number;
}

/** The address with the password that is known, where it still opens the door; else a new one. */
async function loginFor(adminUrl: string, known: string | undefined, login: Login) {
  if (known !== undefined) {
    // The server may have moved since: only name and password are taken over.
    const url = new URL(withDatabase(adminUrl, login.database.database));
    const { username, password } = new URL(known);
    url.username = username;
    url.password = password;
    if (username === login.login && (await opens(url.href))) return url.href;
  }
  return issueLogin({ adminUrl, ...login });
}

async function opens(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {
    // The statement under way rejects with the same error.
  });
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), "code");
    if (typeof code === "string" && LOGIN_REFUSED.has(code)) return false;
    throw error;
  } finally {
    await client.end();
  }
}

/** A file that somebody broke counts as none: its passwords are issued anew. */
function addressesIn(text: string | null): BusAddresses | null {
  if (text === null) return null;
  try {
    const { busUrl, relayUrl } = Object(JSON.parse(text)) as Record<string, unknown>;
    if (typeof busUrl !== "string" || typeof relayUrl !== "string") return null;
    return URL.canParse(busUrl) && URL.canParse(relayUrl) ? { busUrl, relayUrl } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
