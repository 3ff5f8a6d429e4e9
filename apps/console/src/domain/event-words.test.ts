import { describe, expect, test } from "vitest";
import { NOW_MS, aGroup, aKey, at } from "./builders.ts";
import {
  behindWords,
  gravestFirst,
  nextTryWords,
  oldestWords,
  producerOf,
  redriveAllConfirmation,
  redriveKeyConfirmation,
  redriveResult,
} from "./event-words.ts";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

test("what is stuck stands first, the rest by name", () => {
  const groups = [
    aGroup({ group: "south" }),
    aGroup({ group: "north", keysQuarantined: 1 }),
    aGroup({ group: "east" }),
    aGroup({ group: "west", state: "suspended" }),
  ];
  expect(gravestFirst(groups).map(({ group }) => group)).toEqual([
    "west",
    "north",
    "east",
    "south",
  ]);
});

test("a group without waiting events has no oldest one", () => {
  expect(oldestWords(aGroup({ lag: 0, lagAgeMs: 0 }))).toBe("none waits");
  expect(plain(oldestWords(aGroup({ lag: 3, lagAgeMs: 12_000 })))).toBe("12 s");
});

test("what waits behind an event does not count the event itself", () => {
  expect(behindWords(aKey({ waiting: 1 }))).toBe("none");
  expect(behindWords(aKey({ waiting: 1_205 }))).toBe("1,204");
});

test("a quarantined key is not tried by itself, a retried one says when", () => {
  expect(nextTryWords(aKey(), "running", NOW_MS)).toBe("not by itself");
  const retrying = aKey({ state: "retrying", nextTryAt: at(15_000) });
  expect(plain(nextTryWords(retrying, "running", NOW_MS))).toBe("in 15 s");
  expect(nextTryWords({ ...retrying, nextTryAt: at(-1) }, "running", NOW_MS)).toBe("now");
  expect(nextTryWords(retrying, "suspended", NOW_MS)).toBe("when it resumes");
});

describe("delivering again", () => {
  test("says how many events go, and that nothing needs undoing", () => {
    const { changes, undo } = redriveKeyConfirmation(aKey({ waiting: 3 }));
    expect(changes).toContain("Its 3 events go to payments again, in order");
    expect(undo).toContain("Nothing needs undoing");
    expect(redriveKeyConfirmation(aKey()).changes).toContain("Its event goes to payments");
  });

  test("of all names how many keys, also of one", () => {
    expect(redriveAllConfirmation("payments", 1).confirmLabel).toBe("Deliver 1 key again");
    expect(redriveAllConfirmation("payments", 12).changes).toContain("12 quarantined keys are");
  });

  test("tells how many really went on", () => {
    expect(redriveResult("payments", 0)).toContain("Nothing was quarantined");
    expect(redriveResult("payments", 1)).toBe("1 key goes on at payments, in order.");
  });
});

test("a producer is told by its name", () => {
  expect(producerOf({ source: "/services/ledger" })).toBe("ledger");
});
