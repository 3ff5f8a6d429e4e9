/** A process that publishes, and waits before or after its commit to be killed. Says where it is. */
import { createLogger } from "@tideway/telemetry";
import { createPool, tx } from "@tideway/store";
import { createPublisher } from "../index.ts";
import { shopApi } from "./shop-api.ts";

const [url = "", key = "", how = ""] = process.argv.slice(2);
const logger = createLogger({ service: "shop", destination: { write: () => {} } });
const pool = createPool({ url, connectionsMax: 2, applicationName: "producer" });
const publish = createPublisher(shopApi, { pool, logger });
await tx(pool, async (t) => {
  await t.query("insert into orders (id) values ($1)", [key]);
  await publish(t, "paid", { key, data: { order: key } });
  if (how === "before-commit") await stayUntilKilled("published");
});
await stayUntilKilled("committed");

async function stayUntilKilled(said: string): Promise<never> {
  process.stdout.write(said);
  // Only a timer keeps a process without other work alive.
  setInterval(() => {}, 60_000);
  return new Promise(() => {});
}
