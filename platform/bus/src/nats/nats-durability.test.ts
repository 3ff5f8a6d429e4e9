import { expect, test } from "vitest";
import { durabilityOf, syncSettingOf } from "./nats-durability.ts";
import type { NatsSettings, SyncSetting } from "./nats-durability.ts";

const seconds = (count: number): SyncSetting => ({
  kind: "every",
  ms: count * 1_000,
  isFixed: false,
});
const settings = (changed: Partial<NatsSettings>): NatsSettings => ({
  version: "2.12.1",
  storage: "file",
  replicas: 1,
  sync: seconds(120),
  hasSeparatePower: false,
  ...changed,
});

test.each([
  ["one server that syncs now and then", {}, false, "lost by a loss of power"],
  ["one server that syncs always", { sync: { kind: "always" } }, true, "survives a crash and"],
  ["one server whose setting is not known", { sync: { kind: "unknown" } }, false, "not known"],
  ["two copies, of which none may be lost", { replicas: 2 }, false, "lost by a loss of power"],
  ["three copies on one power supply", { replicas: 3 }, false, "lose their power together"],
  [
    "three copies with power of their own",
    { replicas: 3, hasSeparatePower: true },
    true,
    "minority",
  ],
  ["one copy with power of its own", { hasSeparatePower: true }, false, "lost by a loss of power"],
  ["memory", { storage: "memory", sync: { kind: "always" } }, false, "when the servers stop"],
] satisfies [string, Partial<NatsSettings>, boolean, string][])(
  "%s",
  (_, changed, isDurable, words) => {
    const durability = durabilityOf(settings(changed));
    expect(durability.isDurable).toBe(isDurable);
    expect(durability.sentence).toContain(words);
  },
);

test("what the monitoring port tells is read; an older version's interval is known", () => {
  expect(syncSettingOf("2.9.10", null)).toEqual({ kind: "every", ms: 120_000, isFixed: true });
  expect(syncSettingOf("2.10.0", { config: { sync_always: true, sync_interval: 1 } })).toEqual({
    kind: "always",
  });
  expect(syncSettingOf("2.12.1", { config: { sync_interval: 10_000_000_000 } })).toEqual(
    seconds(10),
  );
  expect(syncSettingOf("2.12.1", { config: {} })).toEqual(seconds(120));
  expect(syncSettingOf("2.12.1", null)).toEqual({ kind: "unknown" });
});
