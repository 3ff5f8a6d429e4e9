import { expect, test } from "vitest";
import { createStateFeed } from "./state-feed.ts";

const nothing = (): [string, number][] => [];

test("a slow watcher gets the newest state of each key, in the order of their first change", async () => {
  const feed = createStateFeed<number>();
  const states = feed.watch(() => [["a", 1] as const], new AbortController().signal);
  const watcher = states[Symbol.asyncIterator]();
  expect((await watcher.next()).value).toBe(1);
  for (let n = 2; n <= 1_000; n++) {
    feed.publish("b", n);
    feed.publish("a", -n);
  }
  expect((await watcher.next()).value).toBe(1_000);
  expect((await watcher.next()).value).toBe(-1_000);
  const waiting = watcher.next();
  feed.publish("c", 7);
  expect((await waiting).value).toBe(7);
});

test("a watch ends with its signal, with the feed, and when it was ended before it began", async () => {
  const feed = createStateFeed<number>();
  const stop = new AbortController();
  const one = feed.watch(nothing, stop.signal)[Symbol.asyncIterator]();
  const two = feed.watch(nothing, new AbortController().signal)[Symbol.asyncIterator]();
  const [first, second] = [one.next(), two.next()];
  stop.abort();
  expect((await first).done).toBe(true);
  feed.close();
  expect((await second).done).toBe(true);
  const late = feed.watch(() => [["a", 1] as const], AbortSignal.abort())[Symbol.asyncIterator]();
  expect((await late.next()).done).toBe(true);
});
