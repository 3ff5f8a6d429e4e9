/** The bus as the supervisor starts it. */
import { isCoded, until } from "@tideway/kernel";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busAdmin } from "../admin-client.ts";
import type { BusAdmin } from "../admin-client.ts";
import { configOf, databaseOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const DEADLINE = { deadlineMs: 20_000 } as const;

let world: World;
let home: string;
let admin: BusAdmin;
const children = new Set<ChildProcess>();
beforeEach(async () => {
  world = await startWorld();
  home = mkdtempSync(join(tmpdir(), "tw-home-"));
  for (const folder of ["run", "secrets/database"])
    mkdirSync(join(home, folder), { recursive: true });
  admin = busAdmin(join(home, "run", "bus.sock"));
});
afterEach(async () => {
  admin.close();
  for (const child of children) child.kill("SIGKILL");
  await world.close();
  rmSync(home, { recursive: true, force: true });
});

function startMain(): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      TIDEWAY_HOME: home,
      TIDEWAY_INTERNAL_URL: world.upstream.url,
      TIDEWAY_PROFILE: "demo",
      TIDEWAY_UNSAFE: "1",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.add(child);
  return child;
}

const codeOf = (error: unknown): string => (isCoded(error) ? error.code : String(error));

test("it waits for its secrets, keeps its configuration over a kill, ends as told", async () => {
  const child = startMain();
  const { busUrl, relayUrl, secret } = world.options();
  // Control is still writing.
  writeFileSync(join(home, "secrets", "database", "bus.json"), '{"busUrl":');
  expect(await admin.health().catch(codeOf)).toBe("UPSTREAM_UNAVAILABLE");
  writeFileSync(join(home, "secrets", "bus.secret"), secret);
  writeFileSync(
    join(home, "secrets", "database", "bus.json"),
    JSON.stringify({ busUrl, relayUrl }),
  );
  const isUp = async (): Promise<boolean> =>
    (await admin.health().catch(codeOf)) === "BUS_NOT_CONFIGURED";
  await until(isUp, { ...DEADLINE, what: "the bus answers" });
  await admin.putConfig(configOf(3, ["books-1"], databaseOf(world.producer)));
  child.kill("SIGKILL");
  await once(child, "exit");
  const next = startMain();
  await until(async () => (await admin.health().catch(() => null))?.epoch === 3, {
    ...DEADLINE,
    what: "the next one has the configuration",
  });
  next.kill("SIGTERM");
  const [code] = await once(next, "exit");
  expect(code).toBe(0);
});
