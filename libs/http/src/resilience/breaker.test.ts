/**
 * The circuit against a model: whatever comes and goes in whatever order, a half-open circuit has
 * exactly one call under way, an open one none that began while it was open, and what is said of
 * the upstream by nobody's failure opens nothing.
 */
import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
} from "fast-check";
import { expect, test } from "vitest";
import { Breaker, CALLS_MIN, CircuitOpen, OPEN_MS_FIRST, OPEN_MS_MAX } from "./breaker.ts";

type End = "good" | "bad" | "lost" | "given up";
class GivenUp extends Error {}

function breakerUnderTest() {
  const clock = { ms: 0 };
  const changes: string[] = [];
  const breaker = new Breaker<End>({
    now: () => clock.ms,
    random: () => 0,
    isFailedResult: (end) => end === "bad",
    isFailedError: (error) => !(error instanceof GivenUp),
    onChange: (state) => changes.push(state),
  });
  return { clock, changes, breaker };
}

interface Running {
  readonly beganIn: string;
  end(how: End): Promise<void>;
}

/** Starts a call; null when the circuit refused it. */
function start(breaker: Breaker<End>): Running | null {
  const { promise, resolve, reject } = Promise.withResolvers<End>();
  let began: string | null = null;
  const done = (() => {
    try {
      return breaker.run(() => {
        began = breaker.state;
        return promise;
      });
    } catch (error) {
      if (error instanceof CircuitOpen) return null;
      throw error;
    }
  })();
  if (done === null || began === null) return null;
  const ended = done.then(
    () => {},
    () => {},
  );
  return {
    beganIn: began,
    end: async (how) => {
      if (how === "lost") reject(new Error("lost"));
      else if (how === "given up") reject(new GivenUp());
      else resolve(how);
      await ended;
    },
  };
}

const endings = constantFrom<End>("good", "bad", "lost", "given up");
const steps = array(
  oneof(
    { weight: 4, arbitrary: record({ do: constant("start" as const) }) },
    {
      weight: 4,
      arbitrary: record({ do: constant("end" as const), which: nat(), how: endings }),
    },
    {
      weight: 2,
      arbitrary: record({ do: constant("wait" as const), ms: nat(OPEN_MS_MAX) }),
    },
  ),
  { minLength: 30, maxLength: 120 },
);

test("a half-open circuit admits exactly one probe, in any order of events", async () => {
  let halfOpenSteps = 0;
  await assert(
    asyncProperty(steps, constantFrom(0, CALLS_MIN, 30), async (script, failuresFirst) => {
      const { clock, breaker } = breakerUnderTest();
      const running: Running[] = [];
      for (let i = 0; i < failuresFirst; i++) await start(breaker)?.end("bad");
      for (const step of script) {
        if (step.do === "wait") clock.ms += step.ms;
        else if (step.do === "start") {
          const before = breaker.state;
          const one = start(breaker);
          if (before === "half-open") expect(one, "a second probe").toBeNull();
          if (one !== null) running.push(one);
        } else if (running.length > 0) {
          const [one] = running.splice(step.which % running.length, 1);
          await one?.end(step.how);
        }
        const probes = running.filter((one) => one.beganIn === "half-open");
        if (breaker.state !== "half-open") continue;
        halfOpenSteps++;
        expect(probes.length).toBe(1);
      }
    }),
    { numRuns: 500 },
  );
  expect(halfOpenSteps, "the scripts reached the state in question").toBeGreaterThan(500);
});

test("it opens when most of at least ten calls failed, and not before", async () => {
  const { breaker } = breakerUnderTest();
  for (let i = 1; i < CALLS_MIN; i++) await start(breaker)?.end("bad");
  expect(breaker.state).toBe("closed");
  await start(breaker)?.end("lost");
  expect(breaker.state).toBe("open");
  expect(() => breaker.check()).toThrow(CircuitOpen);
});

test("half of the calls failing, or callers giving up, opens nothing", async () => {
  const { breaker } = breakerUnderTest();
  for (let i = 0; i < 200; i++) await start(breaker)?.end(i % 2 === 0 ? "good" : "bad");
  for (let i = 0; i < 200; i++) await start(breaker)?.end("given up");
  expect(breaker.state).toBe("closed");
});

test("each failed probe doubles the wait up to its limit; a good one closes it", async () => {
  const { clock, changes, breaker } = breakerUnderTest();
  for (let i = 0; i < CALLS_MIN; i++) await start(breaker)?.end("bad");
  for (const waitMs of [OPEN_MS_FIRST, 2 * OPEN_MS_FIRST, 4 * OPEN_MS_FIRST, OPEN_MS_MAX]) {
    clock.ms += waitMs - 1;
    expect(start(breaker), `after ${waitMs - 1} ms`).toBeNull();
    clock.ms += 1;
    const probe = start(breaker);
    expect(probe?.beganIn).toBe("half-open");
    await probe?.end("bad");
    expect(breaker.state).toBe("open");
  }
  clock.ms += OPEN_MS_MAX;
  await start(breaker)?.end("good");
  expect(breaker.state).toBe("closed");
  expect(changes.at(-1)).toBe("closed");
  // The good probe is the first of the calls that are counted anew.
  for (let i = 2; i < CALLS_MIN; i++) await start(breaker)?.end("bad");
  expect(breaker.state, "what failed before the probe is forgotten").toBe("closed");
});

test("a probe that was given up proves nothing", async () => {
  const { clock, breaker } = breakerUnderTest();
  for (let i = 0; i < CALLS_MIN; i++) await start(breaker)?.end("bad");
  clock.ms += OPEN_MS_FIRST;
  await start(breaker)?.end("given up");
  expect(breaker.state).toBe("open");
});
