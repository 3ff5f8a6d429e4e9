import { expect, test } from "vitest";
import { createLogger, errorFields } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { childOf, formatTraceparent, newTrace, parseTraceparent, withTrace } from "./trace.ts";

const lines: string[] = [];
const logger = createLogger({
  service: "shop",
  revision: "shop-1",
  destination: { write: (line) => void lines.push(line) },
});
const last = (): Record<string, unknown> => {
  // Each line was written by the logger under test as one JSON object.
  return JSON.parse(lines.at(-1) ?? "null") as Record<string, unknown>;
};

test("a log line names its event, service and trace", async () => {
  const trace = newTrace();
  await withTrace(trace, async () => {
    await Promise.resolve();
    logger.info("order.made", { order: "ord_1", amount: 12n });
  });
  expect(last()).toMatchObject({
    event: "order.made",
    service: "shop",
    revision: "shop-1",
    trace: trace.traceId,
    amount: "12",
    level: "info",
  });
});

test("passwords, tokens and e-mail addresses never reach the log", () => {
  logger.warn("sign-in", { password: "a", body: { email: "b", deep: { token: "c" } } });
  expect(lines.at(-1)).not.toMatch(/"(a|b|c)"/);
});

test("an error keeps its code and causes, but no object hanging on it", () => {
  const error = Object.assign(new Error("top", { cause: new Error("below") }), {
    code: "X",
    client: { password: "no" },
  });
  expect(errorFields(error)).toMatchObject({ code: "X", cause: { message: "below" } });
  expect(JSON.stringify(errorFields(error))).not.toContain('"no"');
});

test("traceparent reads back, and what is not valid starts anew", () => {
  const trace = newTrace();
  expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
  expect(childOf(trace)).toMatchObject({ traceId: trace.traceId });
  expect(childOf(trace).spanId).not.toBe(trace.spanId);
  const bad = [
    undefined,
    "",
    `00-${"0".repeat(32)}-${"1".repeat(16)}-01`,
    `00-${"1".repeat(32)}-${"0".repeat(16)}-01`,
    `ff-${"1".repeat(32)}-${"1".repeat(16)}-01`,
    `00-${"1".repeat(32)}-${"1".repeat(16)}-01-extra`,
    `00-${"A".repeat(32)}-${"1".repeat(16)}-01`,
  ];
  for (const header of bad) expect(parseTraceparent(header)).toBeNull();
  expect(parseTraceparent(`01-${"1".repeat(32)}-${"1".repeat(16)}-01-extra`)).not.toBeNull();
});

test("requests are counted by route and status", async () => {
  const metrics = createMetrics("bank-transfers");
  metrics.request({ route: "/a", method: "GET", status: 200, durationMs: 3 });
  metrics.counter("refused", "Refused.", ["why"]).inc({ why: "limit" });
  const text = await metrics.registry.metrics();
  expect(text).toContain("tideway_bank_transfers_request_duration_seconds_count");
  expect(text).toContain('tideway_bank_transfers_refused_total{why="limit"');
});
