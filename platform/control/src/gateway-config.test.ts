import type { InstanceState, RevisionState } from "@tideway/engine";
import { checkConfig } from "@tideway/gateway";
import type { Manifest } from "@tideway/schema";
import { expect, test } from "vitest";
import { buildGatewayConfig } from "./gateway-config.ts";
import type { ServiceWanted } from "./gateway-config.ts";
import type { RevisionRow } from "./store/revisions.ts";
import { manifestOf } from "./test/small-service.ts";

const rowOf = (number: number, change: Partial<Manifest> = {}): RevisionRow => ({
  revision: `shop-${number}`,
  service: "shop",
  number,
  digest: String(number),
  manifest: { ...manifestOf("shop"), ...change },
  created_at: new Date(0),
  created_by: "test",
  withdrawn_at: null,
});
const instance = (id: string, status: InstanceState["status"]): InstanceState => ({
  instance: id,
  url: "http://127.0.0.1:4000",
  status,
  pid: 1,
  startedAtMs: 0,
  readyAtMs: null,
  restarts: 0,
  authHash: "ab".repeat(32),
  assertionKey: "cd".repeat(32),
  failure: null,
});
const stateOf = (revision: string, instances: readonly InstanceState[]): RevisionState => ({
  revision,
  epoch: 1,
  bounds: { min: 1, max: 8 },
  instances,
  failure: null,
});
const wanted: ServiceWanted = {
  service: "shop",
  stable: "shop-1",
  candidate: "shop-2",
  weight: 25,
  rollout: "rol_1",
};
const build = (
  service: ServiceWanted,
  rows: readonly RevisionRow[],
  states: readonly RevisionState[] = [],
  asleep: readonly string[] = [],
) => {
  const config = buildGatewayConfig({
    wanted: [service],
    revisions: new Map(rows.map((row) => [row.revision, row])),
    running: new Map(states.map((state) => [state.revision, state])),
    asleep: new Set(asleep),
    apps: [],
    tokenIssuer: "identity",
    platformCallers: [{ name: "bus", authHash: "ef".repeat(32) }],
  });
  // What is built must always be something that the gateway takes.
  return checkConfig({ ...config, epoch: 1 }).services[0];
};

test("only instances that are ready get requests", () => {
  const states = [
    stateOf("shop-1", [instance("ins_a", "ready"), instance("ins_b", "draining")]),
    stateOf("shop-2", [instance("ins_c", "starting"), instance("ins_d", "failed")]),
  ];
  const service = build(wanted, [rowOf(1), rowOf(2)], states);
  const endpoints = service?.revisions.map((one) => one.endpoints.map((end) => end.instance));
  expect(endpoints).toEqual([["ins_a"], []]);
  expect(service?.split).toEqual({
    stable: "shop-1",
    candidate: "shop-2",
    weight: 25,
    rollout: "rol_1",
  });
});

test("what falls asleep gets no request any more, though its instance still runs", () => {
  const states = [stateOf("shop-1", [instance("ins_a", "ready")])];
  const service = build({ ...wanted, candidate: null }, [rowOf(1)], states, ["shop-1"]);
  expect(service?.revisions.map((one) => one.endpoints)).toEqual([[]]);
});

test("without a candidate there is no weight, and no other revision is named", () => {
  const alone = { ...wanted, candidate: null, rollout: null };
  const service = build(alone, [rowOf(1), rowOf(2)]);
  expect(service?.split.weight).toBe(0);
  expect(service?.revisions.map(({ id }) => id)).toEqual(["shop-1"]);
});

test("grants are enforced as soon as one of the two revisions enforces them", () => {
  expect(build(wanted, [rowOf(1), rowOf(2)])?.enforcesGrants).toBe(false);
  const strict = rowOf(2, { enforcesGrants: true });
  expect(build(wanted, [rowOf(1), strict])?.enforcesGrants).toBe(true);
});

test("what a revision may call and is granted comes from its own manifest", () => {
  const granted = rowOf(2, { calls: ["ledger"], grants: [{ operation: "read", account: 210 }] });
  const service = build(wanted, [rowOf(1), granted]);
  expect(service?.revisions.map(({ calls }) => calls)).toEqual([[], ["ledger"]]);
  expect(service?.revisions.map(({ grants }) => grants.length)).toEqual([0, 1]);
});
