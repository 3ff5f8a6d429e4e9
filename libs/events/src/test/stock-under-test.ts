/** A real service that consumes the shop's orders, with a handler that does what a test says. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idToUuid, newId } from "@tideway/kernel";
import { defineApi, defineService } from "@tideway/schema";
import type { EventResult } from "@tideway/schema";
import { createPool } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import { testDatabase, testService } from "@tideway/testkit";
import type { TestCaller, TestDatabase, TestService } from "@tideway/testkit";
import { Type } from "typebox";
import { BATCH_TYPE, consume, createEventModule } from "../index.ts";
import type { EventContext, Job, ReceivedEvent } from "../index.ts";
import { shopApi, shopErrors } from "./shop-api.ts";

export const stockApi = defineApi({
  name: "stock",
  version: "1.0.0",
  errors: shopErrors,
  routes: {},
  events: {
    taken: {
      type: "stock.item.taken.v1",
      summary: "Something left its shelf.",
      key: "the order",
      data: Type.Object({ order: Type.String() }),
    },
  },
});

export interface Placed {
  readonly order: string;
  readonly count: number;
}
type OnPlaced = (
  t: Transaction,
  event: ReceivedEvent<Placed>,
  context: EventContext,
) => Promise<unknown>;

export interface Answer {
  readonly status: number;
  readonly code: string | null;
  readonly outcomes: readonly string[];
  readonly codes: readonly (string | null)[];
  readonly details: readonly (string | null)[];
  readonly failedHeader: string | null;
}

export interface Stock {
  readonly service: TestService<typeof stockApi>;
  readonly database: TestDatabase;
  readonly admin: Pool;
  /** What is done with an order before its effect is written. */
  onPlaced: OnPlaced;
  deliver(events: readonly unknown[], how?: Delivery): Promise<Answer>;
  /** `<event id> <place>` of all effects in the order of their writing. */
  effects(): Promise<readonly { readonly event: string; readonly replay: number }[]>;
  /** How many of these the inbox knows. */
  known(events: readonly { readonly id: string }[]): Promise<number>;
  close(): Promise<void>;
}

export interface Delivery {
  readonly as?: TestCaller;
  readonly contentType?: string;
}

export interface StockOptions {
  readonly handlerMsMax?: number;
  readonly jobs?: Readonly<Record<string, Job>>;
  /** Where the service finds its database; its own by default. */
  readonly through?: (url: string) => Promise<string>;
}

const EFFECTS_TABLE = `create table effects (
  place bigint generated always as identity primary key, event text not null, replay int not null,
  constraint once unique (event, replay) deferrable initially deferred);
grant select, insert on effects to stock_app;`;

export async function openStock(options: StockOptions = {}): Promise<Stock> {
  const folder = mkdtempSync(join(tmpdir(), "tw-stock-"));
  writeFileSync(join(folder, "0001_effects.sql"), EFFECTS_TABLE);
  const database = await testDatabase({ service: "stock", migrations: folder });
  const { handlerMsMax, jobs, through } = options;
  const service = await testService({
    declaration: declarationOf(jobs),
    databaseUrl: (await through?.(database.url)) ?? database.url,
    build: (parts) => ({
      handlers: {},
      modules: [
        createEventModule({
          ...parts,
          pool: parts.pool,
          consumers: [
            consume(shopApi, "placed", async (t, event, context) => {
              await stock.onPlaced(t, event, context);
              await writeEffect(t, event.id, context.replay);
            }),
          ],
          ...(jobs === undefined ? {} : { jobs }),
          ...(handlerMsMax === undefined ? {} : { handlerMsMax }),
        }),
      ],
    }),
  });
  const admin = createPool({ url: database.adminUrl, connectionsMax: 3, applicationName: "admin" });
  const stock: Stock = {
    service,
    database,
    admin,
    onPlaced: async () => {},
    deliver: (events, how = {}) => deliver(service, events, how),
    effects: async () => {
      const found = await admin.query<{ event: string; replay: number }>(
        "select event, replay from effects order by place",
      );
      return found.rows;
    },
    known: async (events) => {
      const found = await admin.query(
        "select from tideway.inbox where event_id = any($1::uuid[])",
        [events.map(({ id }) => idToUuid("evt", id))],
      );
      return found.rowCount ?? 0;
    },
    close: async () => {
      await service.stop();
      await admin.end();
      await database.close();
      rmSync(folder, { recursive: true });
    },
  };
  return stock;
}

export async function writeEffect(t: Transaction, event: string, replay: number): Promise<void> {
  await t.query("insert into effects (event, replay) values ($1, $2)", [event, replay]);
}

/** An order's event as the bus sends it. */
export function order(key: string, change: Readonly<Record<string, unknown>> = {}) {
  return {
    specversion: "1.0",
    id: newId("evt"),
    source: "/services/shop",
    type: "shop.order.placed.v1",
    subject: key,
    partitionkey: key,
    time: "2026-01-01T00:00:00.000Z",
    datacontenttype: "application/json",
    data: { order: key, count: 1 },
    sequence: "000000000000001",
    tidewaypartition: 3,
    ...change,
  };
}

function declarationOf(jobs: Readonly<Record<string, Job>> = {}) {
  return defineService({
    name: "stock",
    api: stockApi,
    database: true,
    consumes: ["shop.order.placed.v1"],
    cron: Object.fromEntries(Object.keys(jobs).map((job) => [job, "* * * * *"])),
  });
}

async function deliver(
  service: TestService<typeof stockApi>,
  events: readonly unknown[],
  { as = { caller: "bus" }, contentType = BATCH_TYPE }: Delivery,
): Promise<Answer> {
  const answer = await service.fetchAs(as)("http://service/tideway/events", {
    method: "POST",
    headers: { "content-type": contentType },
    body: JSON.stringify(events),
  });
  const body = (await answer.json()) as { code?: string; results?: readonly EventResult[] };
  const results = body.results ?? [];
  return {
    status: answer.status,
    code: body.code ?? null,
    outcomes: results.map((one) => one.outcome),
    codes: results.map((one) => one.code ?? null),
    details: results.map((one) => one.detail ?? null),
    failedHeader: answer.headers.get("tideway-failed"),
  };
}
