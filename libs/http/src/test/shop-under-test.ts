/** A small real service on a real database, whose one idempotent route does what a test says. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService, strict } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import { testDatabase, testService } from "@tideway/testkit";
import type { TestDatabase, TestService } from "@tideway/testkit";
import { Type } from "typebox";

export const shopErrors = defineErrors({
  SHELF_EMPTY: { status: 409, retryable: false, title: "{shelf} is empty.", action: "Wait." },
});

export const shopApi = defineApi({
  name: "shop",
  version: "1.0.0",
  errors: shopErrors,
  routes: {
    buy: {
      method: "POST",
      path: "/shelves/:shelf/buy",
      auth: "person",
      exposure: "public",
      summary: "Buy.",
      idempotent: true,
      params: strict({ shelf: Type.String() }),
      body: strict({ note: Type.String() }),
      reply: Type.Object({ note: Type.String() }),
      replyStatus: 201,
    },
    look: {
      method: "GET",
      path: "/shelves",
      auth: "public",
      exposure: "public",
      summary: "Look.",
      reply: Type.Object({}),
    },
  },
});

export interface Bought {
  readonly shelf: string;
  readonly note: string;
  readonly isRepeat: boolean;
  readonly signal: AbortSignal;
}

export interface Shop {
  readonly service: TestService<typeof shopApi>;
  readonly database: TestDatabase;
  /** What the route does; answers the note of its reply. */
  onBuy: (bought: Bought, pool: Pool) => Promise<string>;
  buy(shelf: string, key: string, note?: string): Promise<{ note: string }>;
  close(): Promise<void>;
}

const KEYS_TABLE = `create table idempotency_keys (
  principal text not null, route text not null, key text not null,
  body_digest text not null, operation text not null,
  status int, reply jsonb, created_at timestamptz not null default now(),
  primary key (principal, route, key));
create index on idempotency_keys (created_at);
grant select, insert, update, delete on idempotency_keys to shop_app;`;

export async function openShop(): Promise<Shop> {
  const folder = mkdtempSync(join(tmpdir(), "tw-shop-"));
  writeFileSync(join(folder, "0001_keys.sql"), KEYS_TABLE);
  const database = await testDatabase({ service: "shop", migrations: folder });
  const service = await testService({
    declaration: defineService({ name: "shop", api: shopApi, database: true }),
    databaseUrl: database.url,
    build: ({ pool }) => ({
      handlers: {
        buy: async ({ params, body, isRepeat, signal }) => ({
          note: await shop.onBuy({ shelf: params.shelf, note: body.note, isRepeat, signal }, pool),
        }),
        look: async () => {
          await pool.query("select pg_sleep(30)");
          return {};
        },
      },
    }),
  });
  const shop: Shop = {
    service,
    database,
    onBuy: async ({ note }) => note,
    buy: (shelf, key, note = "hello") =>
      service
        .as({ person: "per_1" })
        .buy({ params: { shelf }, body: { note }, idempotencyKey: key }),
    close: async () => {
      await service.stop();
      await database.close();
      rmSync(folder, { recursive: true });
    },
  };
  return shop;
}
