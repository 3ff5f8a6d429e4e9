/** Ticks against a calendar written out by hand, then the machine against a model of kills. */
import { assert, integer, array, constantFrom, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { cronStateOf, cronStep } from "./cron-machine.ts";
import type { CronEffect, CronInput, CronState, SettledJob } from "./cron-machine.ts";
import { cronTicks } from "./ticks.ts";

const ticks = cronTicks();
const at = (text: string): number => Date.parse(text);
const HOUR_MS = 3_600_000;
const job = { service: "shop", job: "sweep", expression: "0 * * * *" };

describe("ticks", () => {
  test.each([
    ["0 8 * * *", "2026-03-01T08:00:00.000Z", "2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z"],
    ["0 8 * * *", "2026-03-01T07:59:59.999Z", "2026-02-28T08:00:00Z", "2026-03-01T08:00:00Z"],
    ["*/15 * * * *", "2026-03-29T01:07:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"],
    ["30 2 * * *", "2026-03-29T12:00:00Z", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"],
    ["0 0 29 2 *", "2026-01-01T00:00:00Z", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"],
  ])("%s at %s", (expression, now, latest, next) => {
    expect(ticks.latest(expression, at(now))).toBe(at(latest));
    expect(ticks.next(expression, at(now))).toBe(at(next));
  });

  test("a day that never comes has no tick, and nonsense is refused", () => {
    expect(ticks.latest("0 0 30 2 *", 0)).toBeNull();
    expect(() => ticks.latest("61 * * * *", 0)).toThrow(RangeError);
    expect(() => ticks.latest("* * * * * *", 0)).toThrow(TypeError);
  });
});

/** Steps in turn; the state and all effects. */
function run(
  state: CronState,
  ...inputs: CronInput[]
): { state: CronState; effects: CronEffect[] } {
  const effects: CronEffect[] = [];
  for (const input of inputs) {
    const step = cronStep(state, input, ticks);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}
const key = "shop/sweep";
const settledAt = (text: string): CronState => cronStateOf([{ ...job, settledMs: at(text) }]);
const time = (text: string): CronInput => ({ kind: "time", nowMs: at(text) });
const ran = (tick: string): CronInput => ({ kind: "ran", key, tickMs: at(tick), nowMs: at(tick) });
const failed = (tick: string, now: string): CronInput => {
  return { kind: "failed", key, tickMs: at(tick), nowMs: at(now), jitter: 0 };
};
const kept: CronInput = { kind: "kept", key, isDone: true, nowMs: 0 };
const runs = (effects: readonly CronEffect[]): string[] =>
  effects.flatMap((one) => (one.kind === "run" ? [new Date(one.tickMs).toISOString()] : []));

describe("the machine", () => {
  test("a tick is run once, kept, and the next one follows an hour later", () => {
    const first = run(settledAt("2026-01-01T09:00:00Z"), time("2026-01-01T09:59:59Z"));
    expect(first.effects).toEqual([]);
    const { effects } = run(
      first.state,
      time("2026-01-01T10:00:00Z"),
      time("2026-01-01T10:00:01Z"),
      ran("2026-01-01T10:00:00Z"),
      time("2026-01-01T10:00:02Z"),
      kept,
      time("2026-01-01T10:59:59Z"),
      time("2026-01-01T11:00:00Z"),
    );
    expect(runs(effects)).toEqual(["2026-01-01T10:00:00.000Z", "2026-01-01T11:00:00.000Z"]);
    expect(effects[1]).toMatchObject({
      kind: "keep",
      job: { settledMs: at("2026-01-01T10:00:00Z") },
    });
  });

  test("of the ticks that were missed only the latest is run", () => {
    const { effects } = run(settledAt("2026-01-01T09:00:00Z"), time("2026-01-03T14:30:00Z"));
    expect(runs(effects)).toEqual(["2026-01-03T14:00:00.000Z"]);
  });

  test("a job that is new, or has another expression, begins with its next tick", () => {
    const declared: CronInput = {
      kind: "declared",
      jobs: [job],
      nowMs: at("2026-01-01T10:30:00Z"),
    };
    const { state, effects } = run(new Map(), declared, kept, time("2026-01-01T10:31:00Z"));
    expect(effects).toEqual([expect.objectContaining({ kind: "keep" })]);
    const changed = { ...declared, jobs: [{ ...job, expression: "*/5 * * * *" }] };
    const after = run(state, changed, kept, time("2026-01-01T10:34:59Z"));
    expect(runs(after.effects)).toEqual([]);
    expect(runs(run(after.state, time("2026-01-01T10:35:00Z")).effects).length).toBe(1);
  });

  test("a job no longer declared is forgotten, and its late answer means nothing", () => {
    const running = run(settledAt("2026-01-01T09:00:00Z"), time("2026-01-01T10:00:00Z"));
    const { state, effects } = run(
      running.state,
      { kind: "declared", jobs: [], nowMs: at("2026-01-01T10:00:01Z") },
      ran("2026-01-01T10:00:00Z"),
    );
    expect(state.size).toBe(0);
    expect(effects).toEqual([{ kind: "forget", service: "shop", job: "sweep" }]);
  });

  test("a tick that failed is tried again, later each time, until the next takes its place", () => {
    const tick = "2026-01-01T10:00:00Z";
    let { state } = run(settledAt("2026-01-01T09:00:00Z"), time(tick));
    let nowMs = at(tick);
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      ({ state } = run(state, failed(tick, new Date(nowMs).toISOString())));
      const notBeforeMs = state.get(key)?.notBeforeMs ?? 0;
      waits.push(notBeforeMs - nowMs);
      expect(runs(run(state, { kind: "time", nowMs: notBeforeMs - 1 }).effects)).toEqual([]);
      nowMs = notBeforeMs;
      const again = run(state, { kind: "time", nowMs });
      expect(runs(again.effects)).toEqual([new Date(tick).toISOString()]);
      ({ state } = again);
    }
    expect(waits.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    ({ state } = run(state, failed(tick, "2026-01-01T10:59:59.900Z")));
    const next = run(state, time("2026-01-01T11:01:00Z"));
    expect(runs(next.effects)).toEqual(["2026-01-01T11:00:00.000Z"]);
    expect(next.state.get(key)?.failures).toBe(0);
  });

  test("however often the bus is killed, every tick with a bus awake settles once", () => {
    const scripts = array(
      record({
        do: constantFrom("wait", "wait", "answer", "fail", "kill"),
        ms: integer({ min: 1, max: HOUR_MS }),
      }),
      { minLength: 20, maxLength: 200 },
    );
    assert(
      property(scripts, (script) => {
        let nowMs = at("2026-01-01T00:10:00Z");
        let stored: SettledJob[] = [{ ...job, settledMs: nowMs }];
        let state = cronStateOf(stored);
        let sent: number[] = [];
        const settled: number[] = [];
        const feed = (input: CronInput): void => {
          const step = cronStep(state, input, ticks);
          state = step.state;
          for (const effect of step.effects) {
            if (effect.kind === "run") sent.push(effect.tickMs);
            if (effect.kind !== "keep") continue;
            stored = [effect.job];
            settled.push(effect.job.settledMs);
            feed({ kind: "kept", key, isDone: true, nowMs });
          }
          expect(sent.length).toBeLessThanOrEqual(1);
        };
        for (const step of script) {
          if (step.do === "wait") nowMs += step.ms;
          if (step.do === "kill") {
            state = cronStateOf(stored);
            sent = [];
          }
          const [tickMs] = sent;
          if (step.do === "answer" && tickMs !== undefined) {
            sent = [];
            feed({ kind: "ran", key, tickMs, nowMs });
          }
          if (step.do === "fail" && tickMs !== undefined) {
            sent = [];
            feed({ kind: "failed", key, tickMs, nowMs, jitter: 0.5 });
          }
          feed({ kind: "time", nowMs });
        }
        expect(settled).toEqual([...new Set(settled)].toSorted((a, b) => a - b));
        for (const tickMs of settled) expect(tickMs % HOUR_MS).toBe(0);
        // Settled up to now once it is answered: nothing is left behind.
        nowMs += 2 * HOUR_MS;
        for (let i = 0; i < 3; i++) {
          feed({ kind: "time", nowMs });
          const [tickMs] = sent;
          sent = [];
          if (tickMs !== undefined) feed({ kind: "ran", key, tickMs, nowMs });
        }
        expect(stored[0]?.settledMs).toBe(Math.floor(nowMs / HOUR_MS) * HOUR_MS);
      }),
    );
  });
});
