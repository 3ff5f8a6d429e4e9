import type { Manifest } from "@tideway/schema";
import { expect, test } from "vitest";
import type { RevisionRow } from "../store/revisions.ts";
import { manifestOf } from "../test/small-service.ts";
import { buildBusConfig } from "./bus-config.ts";

const rowOf = (revision: string, change: Partial<Manifest> = {}): RevisionRow => ({
  revision,
  service: "shop-floor",
  number: 1,
  digest: revision,
  manifest: { ...manifestOf("shop-floor"), ...change },
  created_at: new Date(0),
  created_by: "test",
  withdrawn_at: null,
});
const build = (candidate: string | null, rows: readonly RevisionRow[]) =>
  buildBusConfig({
    services: [{ service: "shop-floor", stable: "a", candidate, weight: 5, rollout: null }],
    revisions: new Map(rows.map((row) => [row.revision, row])),
    inRollout: new Set(),
  }).services;

test("a service is told with its database, and each revision with what it consumes and emits", () => {
  const consumes = [{ type: "ledger.account.changed.v1", order: "key" as const }];
  const emits = [{ type: "shop-floor.sold.v1", shedding: "normal" as const }];
  const cron = { close: "0 8 * * *" };
  const rows = [rowOf("a", { database: true, cron }), rowOf("b", { consumes, emits })];
  expect(build("b", rows)).toEqual([
    {
      name: "shop-floor",
      database: "tideway_shop_floor",
      revisions: [
        { id: "a", consumes: [], emits: [], cron },
        { id: "b", consumes, emits, cron: {} },
      ],
    },
  ]);
});

test("without a candidate only the stable revision is told, without a database none", () => {
  expect(build(null, [rowOf("a"), rowOf("b")])).toMatchObject([
    { database: null, revisions: [{ id: "a" }] },
  ]);
  expect(build(null, [])).toEqual([]);
});
