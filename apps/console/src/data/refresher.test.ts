import { until } from "@tideway/kernel";
import { afterEach, expect, test } from "vitest";
import { startRefresher } from "./refresher.ts";

const HOUR_MS = 3_600_000;
let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** A refresh that the test lets finish; counts how many began. */
function gate() {
  let begun = 0;
  let open: () => void = () => {};
  return {
    refresh: () => {
      begun += 1;
      return new Promise<void>((resolve) => {
        open = resolve;
      });
    },
    open: () => open(),
    begun: (count: number) =>
      until(() => begun === count, { deadlineMs: 5_000, what: `${count} refreshes have begun` }),
    count: () => begun,
  };
}

test("changes during a refresh are gathered into one more", async () => {
  const { refresh, open, begun, count } = gate();
  const { signal } = stop;
  const refresher = startRefresher({ refresh, signal, recheckMs: () => HOUR_MS, pauseMs: 0 });
  refresher.changed();
  await begun(1);
  for (let i = 0; i < 10; i++) refresher.changed();
  expect(count()).toBe(1);
  open();
  await begun(2);
  open();
  refresher.changed();
  await begun(3);
});

test("without any change it refreshes when the recheck is due", async () => {
  const { refresh, open, begun } = gate();
  startRefresher({ refresh, signal: stop.signal, recheckMs: () => 5, pauseMs: 0 });
  await begun(1);
  open();
  await begun(2);
});

test("it ends when told to, even while it waits", async () => {
  const { refresh } = gate();
  const { signal } = stop;
  const { done } = startRefresher({ refresh, signal, recheckMs: () => HOUR_MS });
  stop.abort();
  await expect(done).resolves.toBeUndefined();
});
