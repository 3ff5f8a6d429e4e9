/** The relay's machine by itself; the database and the log are played here. */
import { expect, test } from "vitest";
import type { StoredEvent } from "../carrier.ts";
import { CLAIM_BYTES_MAX, CLAIM_ROWS_MAX, RELAY_AT_START, stepRelay } from "./relay.ts";
import type { OutboxRow, RelayEffect, RelayInput, RelayState } from "./relay.ts";

const row = (id: number): OutboxRow => ({
  id: String(id),
  event: {
    eventId: `event-${id}`,
    source: "/services/shop",
    type: "shop.order.made.v1",
    key: "k",
    data: "{}",
    traceparent: null,
    at: "2026-01-01T00:00:00.000Z",
  },
});
const stored = ({ event }: OutboxRow, offset: number): StoredEvent => {
  return { ...event, partition: 0, offset };
};
const failure = { nowMs: 1_000, jitter: 0.5 } as const;

/** Feeds the inputs one after the other and answers the last step. */
function play(...inputs: readonly RelayInput[]): {
  readonly state: RelayState;
  readonly effects: readonly RelayEffect[];
} {
  let step = { state: RELAY_AT_START, effects: [] as readonly RelayEffect[] };
  for (const input of inputs) step = stepRelay(step.state, input);
  return step;
}
const kinds = (effects: readonly RelayEffect[]): string[] => effects.map(({ kind }) => kind);

const rows = [row(3), row(9)];
const claimed = { kind: "claimed", rows } as const;
const appended = { kind: "appended", events: rows.map(stored) } as const;

test("rows are deleted only after the log has committed them", () => {
  expect(kinds(play({ kind: "nudged" }).effects)).toEqual(["claim"]);
  expect(kinds(play({ kind: "nudged" }, claimed).effects)).toEqual(["append"]);
  const { effects, state } = play({ kind: "nudged" }, claimed, appended);
  expect(kinds(effects)).toEqual(["hand-over", "delete"]);
  expect(effects.at(-1)).toMatchObject({ ids: ["3", "9"] });
  expect(stepRelay(state, { kind: "deleted" })).toMatchObject({
    state: { phase: "idle", rows: [] },
    effects: [],
  });
});

test.each(["failed", "unknown"] as const)(
  "an append that %s is done again, not given up",
  (kind) => {
    const { state, effects } = play({ kind: "nudged" }, claimed, { kind, ...failure });
    expect(effects).toEqual([]);
    expect(state.retryAtMs).toBeGreaterThan(failure.nowMs);
    const early = stepRelay(state, { kind: "ticked", nowMs: failure.nowMs });
    expect(early.effects).toEqual([]);
    const later = stepRelay(state, { kind: "ticked", nowMs: failure.nowMs + 60_000 });
    expect(later.effects).toEqual([{ kind: "append", events: rows.map(({ event }) => event) }]);
  },
);

test("a delete whose result is unknown is done again before anything new is taken", () => {
  const { state } = play({ kind: "nudged" }, claimed, appended, { kind: "unknown", ...failure });
  expect(stepRelay(state, { kind: "nudged" }).effects).toEqual([]);
  const later = stepRelay(state, { kind: "ticked", nowMs: failure.nowMs + 60_000 });
  expect(later.effects).toEqual([{ kind: "delete", ids: ["3", "9"] }]);
});

test("a commit told of meanwhile, and a full claim, lead to the next claim", () => {
  const nudged = play({ kind: "nudged" }, claimed, { kind: "nudged" }, appended, {
    kind: "deleted",
  });
  expect(kinds(nudged.effects)).toEqual(["claim"]);
  const full = Array.from({ length: CLAIM_ROWS_MAX }, (_, i) => row(i));
  const after = play(
    { kind: "nudged" },
    { kind: "claimed", rows: full },
    { kind: "appended", events: full.map(stored) },
    { kind: "deleted" },
  );
  expect(kinds(after.effects)).toEqual(["claim"]);
});

test("a fenced relay does nothing any more; a stopped one finishes what is under way", () => {
  const fenced = play({ kind: "nudged" }, claimed, { kind: "fenced" });
  expect(fenced.state.phase).toBe("stopped");
  expect(stepRelay(fenced.state, { kind: "nudged" }).effects).toEqual([]);
  const stopping = play({ kind: "nudged" }, claimed, { kind: "stopped" });
  expect(stopping.state.phase).toBe("appending");
  expect(play({ kind: "nudged" }, claimed, { kind: "stopped" }, appended).state.phase).toBe(
    "deleting",
  );
  const ended = play({ kind: "nudged" }, claimed, { kind: "stopped" }, appended, {
    kind: "deleted",
  });
  expect(ended.state.phase).toBe("stopped");
});

test("a claim that its bytes have cut leads to the next one", () => {
  const data = "x".repeat(CLAIM_BYTES_MAX / 2);
  const large = rows.map(({ id, event }) => ({ id, event: { ...event, data } }));
  const deleted = { kind: "deleted" } as const;
  const cut = play({ kind: "nudged" }, { kind: "claimed", rows: large }, appended, deleted);
  expect(cut.effects).toEqual([
    { kind: "claim", limit: CLAIM_ROWS_MAX, bytesMax: CLAIM_BYTES_MAX },
  ]);
  const all = play(
    { kind: "nudged" },
    { kind: "claimed", rows: large.slice(1) },
    appended,
    deleted,
  );
  expect(all.state.phase).toBe("idle");
});
