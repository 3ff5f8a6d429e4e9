/** The real gateway, and real instances of two revisions of a consuming service on one database. */
import { startGateway } from "@tideway/gateway";
import type { Gateway, GatewayConfig } from "@tideway/gateway";
import { consume, createEventModule } from "@tideway/events";
import { startService } from "@tideway/http";
import type { RunningService, ServiceConfig } from "@tideway/http";
import { defineErrors, newId, systemClock } from "@tideway/kernel";
import { defineApi, defineService, toManifest } from "@tideway/schema";
import { createLogger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { assertionKeyOf, authHashOf, newInstanceSecret } from "@tideway/trust";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { LOOSE, TYPE } from "./bus-under-test.ts";
import { openDoor } from "./database-door.ts";
import type { DatabaseDoor } from "./database-door.ts";

const errors = defineErrors({});
const summary = "An order was made.";
const data = Type.Object({ n: Type.Integer() });
const shopApi = defineApi({
  name: "shop",
  version: "1.0.0",
  errors,
  routes: {},
  events: {
    made: { type: TYPE, summary, key: "the customer", data },
    seen: { type: LOOSE, summary, key: "the customer", data },
  },
});
const declaration = defineService({
  name: "books",
  api: defineApi({ name: "books", version: "1.0.0", errors, routes: {} }),
  database: true,
  consumes: [TYPE, { type: LOOSE, order: "none" }],
});
const EFFECTS = `create table effects (
  place bigint generated always as identity primary key,
  event text not null, key text not null, n int not null, revision text not null);
grant select, insert on effects to books_app;`;
const QUIET = { write: (): void => {} };

export interface Effect {
  readonly event: string;
  readonly key: string;
  readonly n: number;
  readonly revision: string;
}

export interface RealConsumer {
  readonly gateway: Gateway;
  readonly internalUrl: string;
  /** Between the instances and their database. */
  readonly door: DatabaseDoor;
  /** The stable revision books-1, and books-2 by this weight; null while there is no rollout. */
  split(weight: number | null): Promise<void>;
  startInstance(revision: string): Promise<void>;
  /** Its connections break at once, whatever it was doing; the gateway is not told before. */
  killInstance(revision: string): Promise<void>;
  /** As a release ends one: first out of the configuration, then it drains. */
  stopInstance(revision: string): Promise<void>;
  /** In the order of their writing. */
  effects(): Promise<readonly Effect[]>;
  close(): Promise<void>;
}

interface Instance {
  readonly config: ServiceConfig;
  readonly service: RunningService;
}

/** Starts the gateway and one instance of each revision; `secret` is the bus's own. */
export async function startRealConsumer(secret: string): Promise<RealConsumer> {
  const folder = mkdtempSync(join(tmpdir(), "tw-real-"));
  const migrations = mkdtempSync(join(tmpdir(), "tw-books-"));
  writeFileSync(join(migrations, "0001_effects.sql"), EFFECTS);
  const database = await testDatabase({ service: "books", migrations, connectionsMax: 20 });
  const door = await openDoor(database.url);
  const gateway = await startGateway({
    publicListen: "tcp:127.0.0.1:0",
    internalListen: "tcp:127.0.0.1:0",
    adminSocket: join(folder, "gateway.sock"),
    configFile: join(folder, "config.json"),
    accessLog: join(folder, "access.log"),
    publicUrl: "http://localhost:8080",
    drainMs: 2_000,
    logger: createLogger({ service: "gateway", destination: QUIET }),
  });
  const instances = new Map<string, Instance>();
  let weight: number | null = null;
  let rollouts = 0;
  let epoch = 0;
  const configure = (): Promise<void> => {
    const split = { stable: "books-1", candidate: null, weight: 0, rollout: null };
    const rollout = { candidate: "books-2", weight: weight ?? 0, rollout: `rol_${rollouts}` };
    return gateway.configure({
      epoch: ++epoch,
      apps: [],
      tokens: { service: "identity", path: "/keys", issuer: "tideway-identity" },
      platformCallers: [{ name: "bus", authHash: authHashOf(secret) }],
      services: [
        {
          name: "books",
          enforcesGrants: false,
          split: weight === null ? split : { ...split, ...rollout },
          revisions: ["books-1", "books-2"].map((id) => revisionOf(id, instances.get(id))),
        },
      ],
    });
  };
  const consumer: RealConsumer = {
    gateway,
    internalUrl: `http://127.0.0.1:${gateway.internalPort}`,
    door,
    split: (next) => {
      if (weight === null && next !== null) rollouts++;
      weight = next;
      return configure();
    },
    startInstance: async (revision) => {
      instances.set(revision, await startInstance(revision, door.url));
      await configure();
    },
    killInstance: async (revision) => {
      const instance = instances.get(revision);
      instances.delete(revision);
      instance?.service.app.server.closeAllConnections();
      await instance?.service.stop();
      await configure();
    },
    stopInstance: async (revision) => {
      const instance = instances.get(revision);
      instances.delete(revision);
      await configure();
      await instance?.service.stop();
    },
    effects: () => readEffects(database),
    close: async () => {
      await gateway.close();
      for (const { service } of instances.values()) await service.stop();
      await door.close();
      await database.close();
      for (const one of [folder, migrations]) rmSync(one, { recursive: true, force: true });
    },
  };
  for (const revision of ["books-1", "books-2"]) await consumer.startInstance(revision);
  return consumer;
}

function revisionOf(
  id: string,
  instance: Instance | undefined,
): GatewayConfig["services"][number]["revisions"][number] {
  const { routes } = toManifest(declaration);
  if (instance === undefined) return { id, routes, calls: [], grants: [], endpoints: [] };
  const { config, service } = instance;
  // A listening TCP server has an address of this form.
  const { port } = service.app.server.address() as AddressInfo;
  const endpoint = {
    instance: config.instance,
    url: `http://127.0.0.1:${port}`,
    authHash: authHashOf(config.instanceSecret),
    assertionKey: assertionKeyOf(config.instanceSecret),
  };
  return { id, routes, calls: [], grants: [], endpoints: [endpoint] };
}

async function startInstance(revision: string, databaseUrl: string): Promise<Instance> {
  const config: ServiceConfig = {
    service: "books",
    revision,
    instance: newId("ins"),
    instanceSecret: newInstanceSecret(),
    internalUrl: "http://127.0.0.1:9",
    publicUrl: "http://localhost:8080",
    databaseUrl,
    connectionsMax: 8,
    serviceKey: "11".repeat(32),
    profile: "demo",
    listen: { host: "127.0.0.1", port: 0 },
    logLevel: "error",
  };
  const logger = createLogger({ service: "books", destination: QUIET });
  const write = consumersOf(revision);
  const service = await startService(
    {
      declaration,
      build: (parts) => ({
        handlers: {},
        modules: [createEventModule({ ...parts, pool: parts.pool, consumers: write })],
      }),
    },
    config,
    { logger, clock: systemClock },
  );
  return { config, service };
}

function consumersOf(revision: string) {
  return (["made", "seen"] as const).map((name) =>
    consume(shopApi, name, (t, event) =>
      t.query("insert into effects (event, key, n, revision) values ($1, $2, $3, $4)", [
        event.id,
        event.key,
        event.data.n,
        revision,
      ]),
    ),
  );
}

async function readEffects({ pool }: TestDatabase): Promise<readonly Effect[]> {
  const { rows } = await pool.query<Effect>(
    "select event, key, n, revision from effects order by place",
  );
  return rows;
}
