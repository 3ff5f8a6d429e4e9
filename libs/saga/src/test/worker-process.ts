/** An instance in a process of its own, to be killed: starts the orders it is told, and lives on. */
import { systemClock } from "@tideway/kernel";
import { createPool, tx } from "@tideway/store";
import { createLogger, createMetrics } from "@tideway/telemetry";
import { createSagaCall } from "../caller.ts";
import { createSagaModule } from "../module.ts";
import { orderSaga } from "./order-saga.ts";

const [databaseUrl = "", internalUrl = "", instance = "", orders = ""] = process.argv.slice(2);
const pool = createPool({ url: databaseUrl, connectionsMax: 20, applicationName: instance });
const sagas = createSagaModule({
  definitions: [orderSaga()],
  pool,
  call: createSagaCall({ internalUrl, instance, instanceSecret: "secret" }),
  clock: systemClock,
  logger: createLogger({ service: "shop" }),
  metrics: createMetrics("shop"),
  instance,
});
await sagas.module.start?.();
await Promise.all(
  orders
    .split(",")
    .map((order) => tx(pool, (t) => sagas.start(t, "order", { key: order, data: { order } }))),
);
