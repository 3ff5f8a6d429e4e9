/** `tideway down` ends everything of an installation, whatever of it has died before. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install } from "./harness.ts";
import type { Installation } from "./harness.ts";

let tideway: Installation;
beforeAll(async () => {
  tideway = await install({});
});
afterAll(() => tideway.stop());

test("instances that outlived both supervisor and control are ended too", async () => {
  const answer = await tideway.tideway(["get", "services", "--json"]);
  // The command documents this shape.
  const services = JSON.parse(answer.stdout) as { lanes: { instances: { pid: number }[] }[] }[];
  const pids = services.flatMap(({ lanes }) => lanes.flatMap((lane) => lane.instances));
  expect(pids.length).toBeGreaterThanOrEqual(3);
  const control = await tideway.pidOf("control");
  process.kill(await tideway.pidOf("supervisor"), "SIGKILL");
  process.kill(control, "SIGKILL");
  expect(pids.every(({ pid }) => isAlive(pid))).toBe(true);
  const down = await tideway.tideway(["down"]);
  expect(down.code).toBe(0);
  expect(pids.filter(({ pid }) => isAlive(pid))).toEqual([]);
});

test("a second down has nothing to do and says so", async () => {
  expect((await tideway.tideway(["down"])).code).toBe(0);
  expect((await tideway.tideway(["status"])).code).toBe(3);
});

/** A process that ended but was not yet collected by its parent counts as ended. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}
