/** A checker that cannot fail proves nothing: each is shown a sound history and broken ones. */
import { describe, expect, test } from "vitest";
import { checkBank, checkLeases, checkOrder, checkSagas, checkSet } from "./index.ts";
import type { LeaseAct, SagaAct, SagaHistory, Violation } from "./index.ts";

const sentences = (violations: Violation[]): string[] => violations.map(({ what }) => what);

describe("set", () => {
  const places = (items: string[]) => new Map([["ledger", items]]);

  test("everything once is sound", () => {
    expect(checkSet({ expected: ["a", "b"], places: places(["b", "a"]) })).toEqual([]);
  });

  test("missing, twice and invented are told apart", () => {
    expect(sentences(checkSet({ expected: ["a", "b"], places: places(["b", "b", "c"]) }))).toEqual([
      "a is missing in ledger",
      "b is 2 times in ledger",
      "c is in ledger and should not exist",
    ]);
  });
});

describe("order", () => {
  const at = (key: string, position: number) => ({ place: "p", key, position });

  test("keys may mix as they like", () => {
    expect(checkOrder([at("a", 1), at("b", 7), at("a", 2), at("b", 9)])).toEqual([]);
  });

  test("a key's later one first is found, and so is a repetition", () => {
    expect(sentences(checkOrder([at("a", 2), at("a", 1), at("a", 2)]))).toEqual([
      "p: 1 of a came after 2",
      "p: 2 of a came after 2",
    ]);
  });
});

describe("bank", () => {
  const account = (name: string, balance: bigint, floor: bigint | null = 0n) => {
    return { account: name, asset: "EUR", balance, floor };
  };

  test("balances that sum to zero are sound", () => {
    const accounts = [account("a", 5n), account("capital", -5n, null)];
    expect(checkBank({ accounts, holdsOpen: [] })).toEqual([]);
  });

  test("money made, an overdrawn account and a forgotten hold are found", () => {
    const accounts = [account("a", -1n), account("capital", 4n, null)];
    expect(sentences(checkBank({ accounts, holdsOpen: ["h1"] }))).toEqual([
      "a has -1 EUR, less than 0",
      "all accounts in EUR sum to 3 and not to 0",
      "the hold h1 is still open",
    ]);
  });
});

describe("saga", () => {
  const steps = ["reserve", "charge", "confirm"];
  const saga = (state: string, ...acts: string[]): SagaHistory => {
    const happened = acts.map((text): SagaAct => {
      const isUndo = text.startsWith("-");
      return { step: isUndo ? text.slice(1) : text, act: isUndo ? "undone" : "done" };
    });
    return { saga: "s", state, happened, steps, pivot: "charge" };
  };

  test.each([
    ["all confirmed", saga("completed", "reserve", "charge", "confirm")],
    ["undone before the pivot", saga("compensated", "reserve", "-reserve")],
    ["nothing had taken effect", saga("compensated")],
    ["an undo of what never came", saga("compensated", "-reserve")],
  ])("%s is sound", (_name, history) => {
    expect(checkSagas([history])).toEqual([]);
  });

  test.each([
    ["still running", saga("running", "reserve"), "it is still running"],
    [
      "twice",
      saga("completed", "reserve", "charge", "charge", "confirm"),
      "charge took effect twice",
    ],
    ["half", saga("completed", "reserve", "charge"), "it is completed without confirm"],
    ["left", saga("compensated", "reserve"), "it is compensated and reserve was not undone"],
    [
      "past the pivot",
      saga("compensated", "reserve", "charge", "-charge", "-reserve"),
      "it was undone past its pivot charge",
    ],
    [
      "voided and completed",
      saga("completed", "reserve", "-reserve", "charge", "confirm"),
      "it is completed although reserve was undone",
    ],
  ])("%s is found", (_name, history, sentence) => {
    expect(sentences(checkSagas([history]))).toEqual([`s: ${sentence}`]);
  });

  test("undone forwards is found", () => {
    const happened = (["a", "b", "-a", "-b"] as const).map((text): SagaAct => {
      return { step: text.at(-1) ?? "", act: text.startsWith("-") ? "undone" : "done" };
    });
    const history = { saga: "s", state: "compensated", happened, steps: ["a", "b"], pivot: null };
    expect(sentences(checkSagas([history]))).toEqual(["s: undone in the order a, b"]);
  });
});

describe("lease", () => {
  const taken = (owner: string, fence: number, atMs: number): LeaseAct => {
    return { kind: "taken", resource: "r", owner, fence, atMs, untilMs: atMs + 5_000 };
  };
  const written = (fence: number): LeaseAct => ({ kind: "written", resource: "r", fence });
  const released = (fence: number): LeaseAct => ({ kind: "released", resource: "r", fence });

  test("taken over after its end, or after a release, is sound", () => {
    const acts = [taken("a", 1, 0), taken("a", 1, 3_000), written(1), taken("b", 2, 8_000)];
    expect(checkLeases([...acts, written(2), released(2), taken("c", 3, 8_100)])).toEqual([]);
  });

  test("taken before its end is found", () => {
    expect(sentences(checkLeases([taken("a", 1, 0), taken("b", 2, 4_000)]))).toEqual([
      "r: b took it 1000 ms before a's lease ended",
    ]);
  });

  test("a write with an older fence and a shared fence are found", () => {
    const acts = [taken("a", 1, 0), taken("b", 2, 6_000), written(1), taken("c", 2, 12_000)];
    expect(sentences(checkLeases(acts))).toEqual([
      "r: written under fence 1 after 2",
      "r: c and b share fence 2",
    ]);
  });
});
