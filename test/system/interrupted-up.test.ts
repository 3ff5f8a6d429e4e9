/** A first start that is interrupted in the middle of the first releases leaves nothing in the way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";

const BIN = join(import.meta.dirname, "../../platform/cli/bin/tideway.js");
let home: string;
let ports: readonly string[];
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tw-interrupted-"));
  const [open, operators, internal] = await freePorts(3);
  ports = [
    "--port",
    `${open}`,
    "--operators-port",
    `${operators}`,
    "--internal-port",
    `${internal}`,
  ];
});
afterAll(async () => {
  expect(await tideway(["down"]).ended).toBe(0);
  rmSync(home, { recursive: true, force: true });
});

test("after Ctrl-C during the first releases the next up brings everything out", async () => {
  const first = tideway(["up", ...ports]);
  await until(() => instances().length > 0, {
    deadlineMs: 120_000,
    intervalMs: 10,
    what: "the first instance is being started",
  });
  first.interrupt();
  await first.ended;
  expect(instances()).toEqual([]);
  expect(await tideway(["up", "--detach", ...ports]).ended).toBe(0);
  expect(await tideway(["get", "services"]).ended).toBe(0);
});

function instances(): string[] {
  try {
    return readdirSync(join(home, "run/instances"));
  } catch {
    // Not made yet.
    return [];
  }
}

function tideway(args: readonly string[]) {
  const env = { ...process.env, TIDEWAY_HOME: home, TIDEWAY_IDENTITY_SCRYPT_N: "1024" };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: "inherit" });
  const ended = once(child, "exit").then(([code]: (number | null)[]) => code);
  return { ended, interrupt: () => child.kill("SIGINT") };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  // A listening TCP server has an AddressInfo, never a string.
  const found = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return found;
}
