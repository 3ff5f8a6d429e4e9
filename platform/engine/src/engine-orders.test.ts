/** Orders that come too late, too large, or at the same time. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RevisionState } from "./engine.ts";
import { openTestHome, processesOf } from "./testing/test-home.ts";
import type { TestHome } from "./testing/test-home.ts";

let home: TestHome;
beforeEach(async () => {
  home = await openTestHome();
});
afterEach(() => home.close());

test("an older epoch is refused, the same one is taken again", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  await engine.ensure(revision, { min: 1, max: 1 }, 7);
  await engine.ensure(revision, { min: 1, max: 1 }, 7);
  const stale = engine.ensure(revision, { min: 0, max: 1 }, 6);
  await expect(stale).rejects.toMatchObject({
    code: "ENGINE_EPOCH_STALE",
    given: { revision: "echo-1", current: 7, given: 6 },
  });
  await engine.ready("echo-1", 1);
  expect(engine.state("echo-1")).toMatchObject({ epoch: 7, bounds: { min: 1, max: 1 } });
});

test("an overtaken writer cannot bring a removed revision back", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  await engine.ensure(revision, { min: 1, max: 1 }, 7);
  await engine.remove("echo-1", 1_000);
  const stale = engine.ensure(revision, { min: 1, max: 1 }, 6);
  await expect(stale).rejects.toMatchObject({ code: "ENGINE_EPOCH_STALE" });
  await engine.ensure(revision, { min: 1, max: 1 }, 7);
  await engine.ready("echo-1", 1);
});

test("ensuring twice starts nothing twice", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  const orders = [1, 2, 3].map(() => engine.ensure(revision, { min: 2, max: 2 }, 1));
  await Promise.all(orders);
  await engine.ready("echo-1", 2);
  expect(await processesOf(home.home)).toHaveLength(2);
});

test("bounds, ids and changed digests are refused before anything starts", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  const coded = (code: string) => expect.objectContaining({ code });
  for (const bounds of [
    { min: -1, max: 1 },
    { min: 2, max: 1 },
    { min: 0.5, max: 1 },
    { min: Number.NaN, max: 1 },
  ]) {
    const order = engine.ensure(revision, bounds, 1);
    await expect(order).rejects.toEqual(coded("ENGINE_BOUNDS_INVALID"));
  }
  for (const id of ["../echo-1", "echo", "echo-0", "Echo-1", ""]) {
    const order = engine.ensure({ ...revision, id }, { min: 1, max: 1 }, 1);
    await expect(order).rejects.toEqual(coded("ENGINE_REVISION_INVALID"));
  }
  await engine.ensure(revision, { min: 0, max: 1 }, 1);
  const changed = engine.ensure({ ...revision, digest: "ff" }, { min: 1, max: 1 }, 1);
  await expect(changed).rejects.toEqual(coded("ENGINE_REVISION_CHANGED"));
  await expect(engine.remove("echo-1", -1)).rejects.toEqual(coded("ENGINE_GRACE_INVALID"));
  expect(await processesOf(home.home)).toEqual([]);
});

test("no revision gets more than 64 instances, and all together not more than allowed", async () => {
  const engine = home.engine({ instancesMax: 3 });
  const [one, two] = [await home.revision(1), await home.revision(2)];
  const many = home.engine().ensure(one, { min: 65, max: 65 }, 1);
  await expect(many).rejects.toMatchObject({ code: "ENGINE_FULL", given: { limit: 64 } });
  await engine.ensure(one, { min: 2, max: 2 }, 1);
  const more = engine.ensure(two, { min: 2, max: 2 }, 1);
  await expect(more).rejects.toMatchObject({ code: "ENGINE_FULL", given: { limit: 3, wanted: 4 } });
  await engine.ensure(two, { min: 1, max: 2 }, 1);
  await engine.ready("echo-2", 1);
});

test("of orders that overlap the last one holds", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  const removals: Promise<void>[] = [];
  for (let round = 1; round <= 4; round++) {
    await engine.ensure(revision, { min: 2, max: 3 }, round);
    removals.push(engine.remove("echo-1", 2_000));
  }
  await engine.ensure(revision, { min: 3, max: 3 }, 5);
  await Promise.all(removals);
  const instances = await engine.ready("echo-1", 3);
  expect(new Set(await processesOf(home.home))).toEqual(new Set(instances.map((i) => i.pid)));
});

test("a revision removed while its processes are being made leaves none", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  await engine.ensure(revision, { min: 4, max: 4 }, 1);
  const spawned = engine.reach("echo-1", "a process", (s) => s.instances.some((i) => i.pid));
  await spawned;
  await engine.remove("echo-1", 0);
  expect(await processesOf(home.home)).toEqual([]);
  expect(engine.state("echo-1")?.instances).toEqual([]);
});

test("in whatever moment of its start an instance is removed, it is told to end", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  for (let turns = 0; turns < 40; turns++) {
    await engine.ensure(revision, { min: 1, max: 1 }, turns);
    // All of a start happens in microtasks, so this meets each point between two of them.
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const askedAt = performance.now();
    await engine.remove("echo-1", 20_000);
    expect(performance.now() - askedAt).toBeLessThan(5_000);
  }
  expect(await processesOf(home.home)).toEqual([]);
});

test("whoever watches later first learns the present state", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(1), { min: 1, max: 1 }, 3);
  await engine.ensure(await home.revision(2), { min: 0, max: 1 }, 4);
  await engine.ready("echo-1", 1);
  const stop = new AbortController();
  const seen: RevisionState[] = [];
  for await (const state of engine.watch(stop.signal)) {
    seen.push(state);
    if (seen.length === 2) stop.abort();
  }
  expect(seen.map((s) => [s.revision, s.epoch, s.instances.length])).toEqual([
    ["echo-1", 3, 1],
    ["echo-2", 4, 0],
  ]);
});

test("a closed engine ends its watches and takes no orders", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  await engine.ensure(revision, { min: 1, max: 1 }, 1);
  const [instance] = await engine.ready("echo-1", 1);
  await engine.close();
  const order = engine.ensure(revision, { min: 1, max: 1 }, 1);
  await expect(order).rejects.toMatchObject({ code: "ENGINE_CLOSED" });
  expect((await fetch(`${instance?.url}/ready`)).status).toBe(200);
});
