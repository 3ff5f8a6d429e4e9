/**
 * The machine against a model of a database: whatever fails, and wherever it is cut off, an event's
 * effect is there at most once, in the order of its key, and what is told is true.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONFLICTS_MAX, inboxIdle, stepInbox } from "./inbox.ts";
import type { InboxEffect, InboxEvent, InboxInput, InboxResult } from "./inbox.ts";

const FAILURE = { code: "EVENT_HANDLER_FAILED", detail: "no" };
const REFUSAL = { code: "EVENT_TYPE_UNKNOWN", detail: "what?" };

function event(id: string, key: string, refusal: InboxEvent["refusal"] = null): InboxEvent {
  return { id, replay: 0, key, refusal };
}

/** What the world does: how each handler ends, and what happens at each commit. */
interface World {
  /** By event id; what is missing goes well. */
  readonly handlers: Readonly<Record<string, "fails" | "hangs" | "conflicts">>;
  /** Taken one by one; then all commits go well. */
  readonly commits: ("refused" | "conflict" | "unknown-done" | "unknown-lost")[];
  /** Effects after which the process dies. */
  readonly stepsMax?: number;
}

/** The committed inbox and effects: one list, as both commit together. */
type Committed = string[];

interface Delivery {
  readonly results: readonly InboxResult[] | "refused" | "crashed";
  readonly effects: readonly InboxEffect["kind"][];
}

function deliver(committed: Committed, events: readonly InboxEvent[], world: World): Delivery {
  const kinds: InboxEffect["kind"][] = [];
  let pending: string[] = [];
  let state = inboxIdle;
  let input: InboxInput = { kind: "delivered", events, deadlineMs: 1_000, nowMs: 0 };
  for (let steps = 0; ; steps++) {
    const step = stepInbox(state, input);
    state = step.state;
    let next: InboxInput | null = null;
    for (const effect of step.effects) {
      if (kinds.length >= (world.stepsMax ?? Number.POSITIVE_INFINITY)) {
        return { results: "crashed", effects: kinds };
      }
      kinds.push(effect.kind);
      if (effect.kind === "answer") return { results: effect.results, effects: kinds };
      if (effect.kind === "refuse") return { results: "refused", effects: kinds };
      if (effect.kind === "rollback") pending = [];
      if (effect.kind === "claim") {
        const fresh = effect.indexes.filter((i) => !committed.includes(idAt(events, i)));
        next = { kind: "claimed", fresh, nowMs: steps };
      }
      if (effect.kind === "handle") {
        const id = idAt(events, effect.index);
        pending.push(id);
        next = handlerEnd(world.handlers[id], steps);
      }
      if (effect.kind === "commit") {
        const end = world.commits.shift();
        if (end === undefined || end === "unknown-done") committed.push(...pending);
        pending = [];
        next = commitEnd(end, steps);
      }
    }
    if (next === null) throw new Error("Nothing tells how this step ended.");
    input = next;
  }
}

function idAt(events: readonly InboxEvent[], index: number): string {
  return events[index]?.id ?? "";
}

function handlerEnd(how: World["handlers"][string] | undefined, nowMs: number): InboxInput {
  if (how === undefined) return { kind: "handled", nowMs };
  if (how === "conflicts") return { kind: "conflict", nowMs };
  return { kind: "handler-failed", failure: FAILURE, isFinal: how === "hangs", nowMs };
}

function commitEnd(how: World["commits"][number] | undefined, nowMs: number): InboxInput {
  if (how === undefined) return { kind: "committed", nowMs };
  if (how === "refused") return { kind: "commit-refused", failure: FAILURE, nowMs };
  if (how === "conflict") return { kind: "conflict", nowMs };
  return { kind: "unavailable" };
}

const outcomes = ({ results }: Delivery) =>
  typeof results === "string" ? results : results.map((one) => one.outcome);

describe("the rule", () => {
  test("a batch that goes well is one claim and one commit", () => {
    const done = deliver([], [event("1", "a"), event("2", "b")], { handlers: {}, commits: [] });
    expect(outcomes(done)).toEqual(["applied", "applied"]);
    expect(done.effects).toEqual(["claim", "handle", "handle", "commit", "answer"]);
  });

  test("a batch of duplicates commits nothing", () => {
    const done = deliver(["1"], [event("1", "a")], { handlers: {}, commits: [] });
    expect(outcomes(done)).toEqual(["duplicate"]);
    expect(done.effects).toEqual(["claim", "rollback", "answer"]);
  });

  test("after a failure event by event, and no later one of the key", () => {
    const committed: Committed = [];
    const events = [event("1", "a"), event("2", "b"), event("3", "b"), event("4", "a")];
    const done = deliver(committed, events, { handlers: { "2": "fails" }, commits: [] });
    expect(outcomes(done)).toEqual(["applied", "failed", "skipped", "applied"]);
    expect(committed).toEqual(["1", "4"]);
  });

  test("a refused event is not blamed for an earlier one of its key that fails", () => {
    const events = [event("1", "a"), event("2", "a", REFUSAL)];
    const done = deliver([], events, { handlers: { "1": "fails" }, commits: [] });
    expect(outcomes(done)).toEqual(["failed", "skipped"]);
  });

  test("a conflict without end is an outage, not a failed try", () => {
    const done = deliver([], [event("1", "a")], { handlers: { "1": "conflicts" }, commits: [] });
    expect(done.results).toBe("refused");
    // As a batch, and then as often as a single one may be tried.
    expect(done.effects.filter((kind) => kind === "handle")).toHaveLength(CONFLICTS_MAX + 2);
  });

  test("when the time is over what is left is skipped", () => {
    const begun = stepInbox(inboxIdle, {
      kind: "delivered",
      events: [event("1", "a"), event("2", "b")],
      deadlineMs: 50,
      nowMs: 0,
    });
    const failed = { kind: "handler-failed", failure: FAILURE, isFinal: true, nowMs: 60 } as const;
    const handling = stepInbox(begun.state, { kind: "claimed", fresh: [0, 1], nowMs: 1 });
    const answer = stepInbox(handling.state, failed).effects.at(-1);
    expect(answer).toMatchObject({
      kind: "answer",
      results: [{ outcome: "failed" }, { outcome: "skipped" }],
    });
  });

  test("a slow batch goes on event by event, so that something is committed", () => {
    const events = [event("1", "a"), event("2", "b")];
    const delivered = { kind: "delivered", events, deadlineMs: 60_000, nowMs: 0 } as const;
    const begun = stepInbox(inboxIdle, delivered);
    const handling = stepInbox(begun.state, { kind: "claimed", fresh: [0, 1], nowMs: 1 });
    const late = stepInbox(handling.state, { kind: "handled", nowMs: 9_000 });
    expect(late.effects).toEqual([{ kind: "rollback" }, { kind: "claim", indexes: [0] }]);
  });

  test("an input that nobody waits for breaks an invariant", () => {
    expect(() => stepInbox(inboxIdle, { kind: "committed", nowMs: 0 })).toThrow("idle");
  });
});

describe("whatever happens", () => {
  const keys = fc.constantFrom("a", "b", "c");
  const anEvent = fc.record({ id: fc.integer({ min: 0, max: 9 }), key: keys, bad: fc.boolean() });
  const how = fc.constantFrom("fails", "hangs", "conflicts");
  const end = fc.constantFrom("refused", "conflict", "unknown-done", "unknown-lost");
  const world = fc.record({
    handlers: fc.dictionary(fc.integer({ min: 0, max: 9 }).map(String), how, { maxKeys: 4 }),
    commits: fc.array(end, { maxLength: 4 }),
    stepsMax: fc.option(fc.integer({ min: 0, max: 40 }), { nil: 1_000 }),
  });
  const scenario = fc.record({
    events: fc.uniqueArray(anEvent, { selector: ({ id }) => id, minLength: 1, maxLength: 8 }),
    /** Deliveries before the last one, each of a part of the events, some twice. */
    worlds: fc.array(world, { maxLength: 6 }),
    repeated: fc.array(fc.nat(7), { maxLength: 3 }),
  });

  test("effects are there once, in the order of their key, and what is told is true", () => {
    fc.assert(
      fc.property(scenario, ({ events, worlds, repeated }) => {
        const sent = events.map(({ id, key, bad }) => event(`${id}`, key, bad ? REFUSAL : null));
        const committed: Committed = [];
        const batch = [...sent, ...repeated.flatMap((place) => sent[place] ?? [])];
        for (const one of worlds) check(committed, batch, one, sent);
        // At last everything that can be handled is.
        const final = deliver(committed, sent, { handlers: {}, commits: [] });
        const expected = sent.filter((one) => !isBehindRefused(one, sent)).map((one) => one.id);
        expect([...committed].sort()).toEqual(expected.sort());
        expect(final.results).not.toBe("refused");
      }),
      { numRuns: 500 },
    );
  });

  /** Refused, or behind one of its key that is. */
  function isBehindRefused(one: InboxEvent, sent: readonly InboxEvent[]): boolean {
    const upTo = sent.slice(0, sent.indexOf(one) + 1);
    return upTo.some((other) => other.key === one.key && other.refusal !== null);
  }

  function check(
    committed: Committed,
    batch: readonly InboxEvent[],
    one: World,
    sent: readonly InboxEvent[],
  ): void {
    const before = new Set(committed);
    const { results } = deliver(committed, batch, { ...one, commits: [...one.commits] });
    expect(new Set(committed).size).toBe(committed.length);
    for (const key of ["a", "b", "c"]) {
      const order = sent.filter((event) => event.key === key).map((event) => event.id);
      const done = committed.filter((id) => order.includes(id));
      expect(done).toEqual(order.slice(0, done.length));
    }
    if (typeof results === "string") return;
    expect(results.map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
    results.forEach(({ id, outcome, failure }, index) => {
      const isFirst = batch.findIndex((event) => event.id === id) === index;
      expect(committed.includes(id)).toBe(
        outcome === "applied" ||
          outcome === "duplicate" ||
          // Another mention of it tells the truth.
          (!isFirst && committed.includes(id)),
      );
      if (isFirst && outcome === "applied") expect(before.has(id)).toBe(false);
      expect(failure !== null).toBe(outcome === "failed");
    });
  }
});
