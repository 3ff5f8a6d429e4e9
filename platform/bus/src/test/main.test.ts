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

function startMain(onOutput?: (text: string) => void): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      TIDEWAY_HOME: home,
      TIDEWAY_INTERNAL_URL: world.upstream.url,
      TIDEWAY_PROFILE: "demo",
      TIDEWAY_UNSAFE: "1",
    },
    stdio: ["ignore", onOutput === undefined ? "ignore" : "pipe", "inherit"],
  });
  if (onOutput !== undefined) child.stdout?.setEncoding("utf8").on("data", onOutput);
  children.add(child);
  return child;
}

function writeUrls(urls: { readonly busUrl: string; readonly relayUrl: string }): void {
  writeFileSync(join(home, "secrets", "database", "bus.json"), JSON.stringify(urls));
}

const codeOf = (error: unknown): string => (isCoded(error) ? error.code : String(error));

const isUp = async (): Promise<boolean> =>
  (await admin.health().catch(codeOf)) === "BUS_NOT_CONFIGURED";

test("it waits for its secrets, keeps its configuration over a kill, ends as told", async () => {
  const child = startMain();
  const { busUrl, relayUrl, secret } = world.options();
  // Control is still writing.
  writeFileSync(join(home, "secrets", "database", "bus.json"), '{"busUrl":');
  expect(await admin.health().catch(codeOf)).toBe("UPSTREAM_UNAVAILABLE");
  writeFileSync(join(home, "secrets", "bus.secret"), secret);
  writeUrls({ busUrl, relayUrl });
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

test("changed passwords are read before each try to start, and end one that runs", async () => {
  const { busUrl, relayUrl, secret } = world.options();
  const old = new URL(busUrl);
  old.username = "tideway_nobody";
  writeFileSync(join(home, "secrets", "bus.secret"), secret);
  writeUrls({ busUrl: old.href, relayUrl });
  let lines = "";
  const child = startMain((text) => (lines += text));
  await until(() => lines.includes("bus.not-started"), { ...DEADLINE, what: "it was refused" });
  writeUrls({ busUrl, relayUrl });
  await until(isUp, { ...DEADLINE, what: "it has read the new ones" });
  const changed = new URL(relayUrl);
  changed.password = "another";
  writeUrls({ busUrl, relayUrl: changed.href });
  const [code] = await once(child, "exit");
  expect(code).toBe(1);
  expect(lines).toContain("bus.secrets-changed");
});
