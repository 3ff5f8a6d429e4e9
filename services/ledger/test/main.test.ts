/** The process as the engine runs it: it becomes ready, serves, and ends well on SIGTERM. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { newId, until } from "@tideway/kernel";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { newInstanceSecret } from "@tideway/trust";
import { afterAll, beforeAll, expect, test } from "vitest";

let database: TestDatabase;
beforeAll(async () => {
  const migrations = fileURLToPath(new URL("../migrations", import.meta.url));
  database = await testDatabase({ service: "ledger", migrations });
});
afterAll(() => database.close());

test("starts, opens the house's accounts, checks the books and drains", async () => {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("../src/main.ts", import.meta.url))],
    {
      stdio: "ignore",
      env: {
        TIDEWAY_SERVICE: "ledger",
        TIDEWAY_REVISION: "ledger-1",
        TIDEWAY_INSTANCE: newId("ins"),
        TIDEWAY_INSTANCE_SECRET: newInstanceSecret(),
        TIDEWAY_INTERNAL_URL: "http://127.0.0.1:9",
        TIDEWAY_PUBLIC_URL: "http://127.0.0.1:9",
        TIDEWAY_DATABASE_URL: database.url,
        TIDEWAY_SERVICE_KEY: "00".repeat(32),
        TIDEWAY_LISTEN: `tcp:127.0.0.1:${port}`,
      },
    },
  );
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const get = (path: string): Promise<string | false> =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      async (answer) => (answer.status === 200 ? answer.text() : false),
      () => false,
    );
  try {
    const options = { deadlineMs: 20_000, intervalMs: 50 };
    await until(() => get("/ready"), { ...options, what: "the ledger is ready" });
    const accounts = await database.pool.query("select 1 from accounts where owner is null");
    expect(accounts.rowCount).toBe(13 * 4);
    const checked = await until(
      async () => {
        const metrics = await get("/metrics");
        return metrics !== false && metrics.includes("imbalance_minor{") && metrics;
      },
      { ...options, what: "the books were checked once" },
    );
    expect(checked).toMatch(/tideway_ledger_imbalance_minor\{asset="EUR".*\} 0\n/);
  } finally {
    child.kill("SIGTERM");
  }
  expect(await ended).toBe(0);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No port was given.");
  return address.port;
}
