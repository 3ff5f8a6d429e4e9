import { expect, test } from "vitest";
import { aLane, aRollout, aService } from "./builders.ts";
import { lanesNote, lanesOf, titleOf } from "./rollout-view.ts";
import { meaningOf, stepWeights, stepWords } from "./rollout-words.ts";
import { instancesOf, lanesOfService } from "./service-view.ts";

test("stable has the rest of the people whom the candidate does not have", () => {
  const [stable, candidate] = lanesOf(aRollout({ actualShare: 25, weight: 30 }));
  expect([stable?.share, candidate?.share]).toEqual([75, 25]);
  expect([stable?.wanted, candidate?.wanted]).toEqual([70, 30]);
});

test("before the first request neither lane has a share", () => {
  const idle = { actualShare: null, stable: aLane({ requests: 0 }), candidate: null };
  expect(lanesOf(aRollout(idle)).map(({ share }) => share)).toEqual([null, null]);
  expect(lanesNote(aRollout(idle))).toBeNull();
});

test("before the first person of a step the requests tell who gets what, and it is said", () => {
  const starting = { actualShare: null, stable: aLane({ requests: 190 }), candidate: null };
  expect(lanesOf(aRollout(starting)).map(({ share }) => share)).toEqual([100, 0]);
  expect(lanesNote(aRollout(starting))).toContain("requests in the last minute");
});

test("a first revision has one lane and no steps", () => {
  const first = aRollout({ from: null });
  expect(lanesOf(first).map(({ role }) => role)).toEqual(["candidate"]);
  expect(stepWords(first)).toBeNull();
  expect(titleOf(first)).toBe("payments 8");
});

test("nothing is wanted of a rollout that is over, and its shares are marked as old", () => {
  const over = aRollout({ state: "withdrawn" });
  expect(lanesOf(over).map(({ wanted }) => wanted)).toEqual([null, null]);
  expect(lanesNote(over)).toContain("before it ended");
  expect(lanesNote(aRollout())).toBeNull();
});

test("the steps end with all of the traffic, counted from one", () => {
  expect(stepWeights(aRollout())).toEqual([5, 25, 50, 100]);
  expect(stepWeights({ steps: [{ weight: 50 }, { weight: 100 }] })).toEqual([50, 100]);
  expect(stepWords(aRollout({ step: 1 }))).toBe("step 2 of 4");
  expect(stepWords(aRollout({ step: 9 }))).toBe("step 4 of 4");
  expect(stepWords(aRollout({ state: "withdrawn" }))).toBe("ended in step 2 of 4");
});

test("each state is told with the revisions it is about", () => {
  for (const state of ["starting", "paused", "promoted", "withdrawn", "failed"] as const) {
    expect(meaningOf(aRollout({ state }))).toContain("payments-8");
  }
  expect(meaningOf(aRollout({ state: "withdrawn" }))).toContain("All traffic is on payments-7.");
});

test("a service's shares are of requests that came", () => {
  const lanes = [
    aLane({ revision: "payments-7", requests: 30 }),
    aLane({ revision: "payments-8", requests: 10 }),
  ];
  const split = aService({ candidate: "payments-8", weight: 25, lanes });
  expect(lanesOfService(split).map(({ share }) => share)).toEqual([75, 25]);
  const silent = aService({ lanes: [aLane({ requests: 0 })] });
  expect(lanesOfService(silent).map(({ share, wanted }) => [share, wanted])).toEqual([
    [null, null],
  ]);
});

test("instances know the revision of their lane", () => {
  const instance = {
    instance: "ins_1",
    status: "ready",
    pid: 7,
    url: "http://127.0.0.1:1",
    startedAt: "2026-11-20T14:00:00Z",
    restarts: 0,
    memoryBytes: null,
  } as const;
  const service = aService({ lanes: [aLane({ revision: "payments-8", instances: [instance] })] });
  expect(instancesOf(service)).toEqual([{ ...instance, revision: "payments-8" }]);
});
