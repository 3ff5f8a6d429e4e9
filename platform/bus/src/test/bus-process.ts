/** A bus in a process of its own, to be killed. It knows no splits, so it only relays. */
import { systemClock } from "@tideway/kernel";
import { createLogger } from "@tideway/telemetry";
import { startBus } from "../bus.ts";
import type { BusOptions } from "../bus.ts";

type Given = Pick<BusOptions, "busUrl" | "relayUrl" | "internalUrl" | "secret">;
// Written by the test that starts this process.
const given = JSON.parse(process.env["BUS_OPTIONS"] ?? "{}") as Given;
await startBus({
  ...given,
  splits: () => Promise.resolve({ bootId: "test", services: [] }),
  clock: systemClock,
  logger: createLogger({ service: "bus", level: "error" }),
  isUnsafe: true,
  takesOver: true,
});
