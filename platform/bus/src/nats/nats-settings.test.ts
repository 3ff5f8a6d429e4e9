import { isCoded } from "@tideway/kernel";
import { expect, test } from "vitest";
import { readNatsSettings } from "./nats-settings.ts";

const TIDEWAY_NATS_URL = "nats://127.0.0.1:4222";

test("without an address there is no NATS, whatever else is set", () => {
  expect(readNatsSettings({ TIDEWAY_NATS_REPLICAS: "3" })).toBeNull();
  expect(readNatsSettings({ TIDEWAY_NATS_URL: "" })).toBeNull();
});

test("copies, power and the monitoring port are the operator's to say", () => {
  expect(readNatsSettings({ TIDEWAY_NATS_URL })).toEqual({
    servers: TIDEWAY_NATS_URL,
    hasSeparatePower: false,
  });
  expect(
    readNatsSettings({
      TIDEWAY_NATS_URL,
      TIDEWAY_NATS_REPLICAS: "3",
      TIDEWAY_NATS_SEPARATE_POWER: "1",
      TIDEWAY_NATS_MONITOR_URL: "http://127.0.0.1:8222/",
    }),
  ).toEqual({
    servers: TIDEWAY_NATS_URL,
    hasSeparatePower: true,
    replicas: 3,
    monitorUrl: "http://127.0.0.1:8222",
  });
});

test.each([
  { TIDEWAY_NATS_REPLICAS: "0" },
  { TIDEWAY_NATS_REPLICAS: "6" },
  { TIDEWAY_NATS_REPLICAS: "three" },
  { TIDEWAY_NATS_SEPARATE_POWER: "yes" },
  { TIDEWAY_NATS_MONITOR_URL: "127.0.0.1:8222" },
])("a wrong setting is refused by its name: %j", (wrong) => {
  const read = () => readNatsSettings({ TIDEWAY_NATS_URL, ...wrong });
  expect(read).toThrow(Object.keys(wrong)[0]);
  try {
    read();
  } catch (error) {
    expect(isCoded(error, "BUS_SETTING_INVALID")).toBe(true);
  }
});
