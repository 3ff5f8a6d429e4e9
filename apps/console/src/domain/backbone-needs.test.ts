import { expect, test } from "vitest";
import { SAGAS_NAMED_MAX, groupNeeds, sagaNeeds, unknownNeed } from "./backbone-needs.ts";
import { NOW_MS, aGroup, aSaga, at } from "./builders.ts";
import { byGravity } from "./needs-me.ts";

test("a group that runs and has nothing in quarantine needs nobody, however much waits", () => {
  expect(groupNeeds([aGroup({ lag: 90_000, lagAgeMs: 60_000 })], NOW_MS)).toEqual([]);
});

test("a suspended group says since when, why, and how much waits", () => {
  const group = aGroup({
    state: "suspended",
    since: at(-10_000),
    reason: "payments-8 failed 6 of 6 keys; last INTERNAL.",
    lag: 12,
  });
  const [need, ...more] = groupNeeds([group], NOW_MS);
  expect(more).toEqual([]);
  expect(need?.sentence).toContain(
    "since 14:02:00. payments-8 failed 6 of 6 keys; last INTERNAL. 12",
  );
  expect(need?.sentence).toContain("12 events wait");
  expect(need?.target).toMatchObject({ page: "event-group", id: "payments" });
});

test("quarantined keys are counted and lead to themselves", () => {
  const [one] = groupNeeds([aGroup({ keysQuarantined: 1 })], NOW_MS);
  expect(one?.sentence).toMatch(/^1 key is quarantined at payments\. Its events wait/);
  const [two] = groupNeeds([aGroup({ keysQuarantined: 2 })], NOW_MS);
  expect(two?.sentence).toMatch(/^2 keys are quarantined at payments\. Their events wait/);
  expect(two?.target).toMatchObject({ page: "quarantine", id: "payments" });
});

test("a stuck saga is named with its step and its problem", () => {
  const saga = aSaga({ attempts: 23, needsAttention: true, problem: "INTERNAL: no hand is free" });
  const [need] = sagaNeeds([saga]);
  expect(need?.sentence).toBe(
    "ring v1 of north is stuck at the step \u201cmove\u201d after 23 tries. No hand is free.",
  );
  expect(need?.target).toMatchObject({ page: "saga", id: saga.saga });
  const [undoing] = sagaNeeds([{ ...saga, state: "compensating" }]);
  expect(undoing?.sentence).toContain("cannot undo the step \u201cmove\u201d");
});

test("many stuck sagas of one service are one sentence, those of others stay by themselves", () => {
  const many = Array.from({ length: SAGAS_NAMED_MAX + 1 }, (_, i) => aSaga({ saga: `sag_${i}` }));
  const needs = sagaNeeds([...many, aSaga({ service: "south" })]);
  expect(needs.map(({ target }) => [target.page, target.id])).toEqual([
    ["sagas", "north"],
    ["saga", aSaga().saga],
  ]);
  expect(needs[0]?.sentence).toContain("4 sagas of north");
});

test("what could not be asked is told as not known, and comes last", () => {
  const unknown = unknownNeed("events", { code: "BUS_AWAY", title: "The bus does not answer" });
  expect(unknown.sentence).toContain("The bus does not answer. (BUS_AWAY)");
  const stuck = sagaNeeds([aSaga({ needsAttention: true })]);
  expect(byGravity([unknown, ...stuck]).at(-1)).toBe(unknown);
});
