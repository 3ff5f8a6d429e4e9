/** Taking instances away: what is in flight finishes, what will not end is killed. */
import { readFile, writeFile } from "node:fs/promises";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestHome, processesOf } from "./testing/test-home.ts";
import type { TestHome } from "./testing/test-home.ts";

let home: TestHome;
beforeEach(async () => {
  home = await openTestHome();
});
afterEach(() => home.close());

test("a request in flight finishes before its instance ends", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [instance] = await engine.ready("echo-1", 1);
  const file = home.path("finish");
  const answer = await fetch(`${instance?.url}/slow?file=${encodeURIComponent(file)}`);
  const removed = engine.remove("echo-1", 10_000);
  const lines = async (): Promise<boolean> =>
    (await processesOf(home.home)).length > 0 &&
    (await logOf(instance?.instance)).includes("asked");
  await until(lines, { deadlineMs: 5_000, what: "the instance was asked to end" });
  await writeFile(file, "");
  expect(await answer.text()).toBe("begun done");
  await removed;
  expect(await processesOf(home.home)).toEqual([]);
});

test("the watch says that an instance drains before the instance hears of it", async () => {
  // A notice longer than the deadline: SIGTERM cannot have come when the test ends.
  const engine = home.engine({ drainNoticeMs: 60_000 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [instance] = await engine.ready("echo-1", 1);
  const removed = engine.remove("echo-1", 1_000);
  const outcome = expect(removed).rejects.toMatchObject({ code: "ENGINE_CLOSED" });
  await engine.reach("echo-1", "draining", (s) => s.instances[0]?.status === "draining");
  expect((await fetch(`${instance?.url}/ready`)).status).toBe(200);
  expect(await logOf(instance?.instance)).not.toContain("asked to end");
  await engine.close();
  await outcome;
});

test("what ignores SIGTERM is killed when its time is over, and is not restarted", async () => {
  home.behaviour = { ignoresTerm: true };
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [instance] = await engine.ready("echo-1", 1);
  const startedAt = performance.now();
  await engine.remove("echo-1", 300);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
  expect(await logOf(instance?.instance)).toContain("asked to end");
  expect(await processesOf(home.home)).toEqual([]);
  const last = await engine.reach("echo-1", "nothing", (s) => s.instances.length === 0);
  expect(last).toMatchObject({ bounds: { min: 0, max: 0 }, failure: null });
  expect(engine.history.flatMap((s) => s.instances).every((i) => i.restarts === 0)).toBe(true);
});

test("a second removal may be more impatient", async () => {
  home.behaviour = { ignoresTerm: true };
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await engine.ready("echo-1", 1);
  const patient = engine.remove("echo-1", 600_000);
  await engine.remove("echo-1", 0);
  await patient;
  expect(await processesOf(home.home)).toEqual([]);
});

test("a revision that waits for its restart is removed at once", async () => {
  home.behaviour = { exitCode: 1 };
  const engine = home.engine({ restartDelayMs: 10_000 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await engine.reach("echo-1", "waiting", (s) => s.instances[0]?.restarts === 1);
  await engine.reach("echo-1", "waiting", (s) => s.instances[0]?.status === "failed");
  await engine.remove("echo-1", 10_000);
  expect(engine.state("echo-1")?.instances).toEqual([]);
});

test("stopping everything leaves nothing and takes no orders any more", async () => {
  const engine = home.engine();
  const [one, two] = [await home.revision(1), await home.revision(2)];
  await engine.ensure(one, { min: 2, max: 2 }, 1);
  await engine.ensure(two, { min: 1, max: 1 }, 1);
  await engine.ready("echo-1", 2);
  await engine.stopAll(5_000);
  expect(await processesOf(home.home)).toEqual([]);
  const late = engine.ensure(one, { min: 1, max: 1 }, 2);
  await expect(late).rejects.toMatchObject({ code: "ENGINE_CLOSED" });
});

async function logOf(instance: string | undefined): Promise<string> {
  return readFile(home.path(`logs/instances/echo-1/${instance}.log`), "utf8");
}
