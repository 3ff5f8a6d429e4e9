import { expect, test } from "vitest";
import { createLogger, errorFields } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { parseTracestate } from "./trace-state.ts";
import {
  childOf,
  formatTraceparent,
  newTrace,
  parseTraceparent,
  readTrace,
  traceHeaders,
  withTrace,
} from "./trace.ts";

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

test("a trace travels on with its flags and its state, under a span of its own", () => {
  const parent = `00-${"1".repeat(32)}-${"2".repeat(16)}-`;
  for (const flags of ["00", "01", "02", "03"]) {
    const trace = readTrace({ traceparent: parent + flags, tracestate: ["a=1 ", "", "b=2"] });
    const next = traceHeaders(childOf(trace ?? newTrace()));
    expect(next.traceparent).toMatch(new RegExp(`^00-1{32}-[0-9a-f]{16}-${flags}$`));
    expect(next.traceparent).not.toContain("2".repeat(16));
    expect(next.tracestate).toBe("a=1,b=2");
  }
  expect(readTrace({ traceparent: [`${parent}01`, `${parent}01`], tracestate: "a=1" })).toBeNull();
  expect(readTrace({ tracestate: "a=1" })).toBeNull();
  expect(traceHeaders(newTrace())).not.toHaveProperty("tracestate");
});

test("a state that is not valid in any part is dropped as a whole", () => {
  expect(parseTracestate("a=1,b= x ,a=3,, 0@b/*-_=!~")).toBe("a=1,b= x,0@b/*-_=!~");
  const many = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(",");
  expect(parseTracestate(many(32))).toBe(many(32));
  const bad = [undefined, "", " , ", "a", "=1", "a=", "A=1", "a=1,b", "a=b=c", "a=é", many(33)];
  bad.push(`${"k".repeat(257)}=1`, `a=${"v".repeat(257)}`, "a =1", "a=1,".repeat(3_000));
  for (const header of bad) expect(parseTracestate(header), header).toBeNull();
});

test("requests are counted by route and status", async () => {
  const metrics = createMetrics("bank-transfers");
  metrics.request({ route: "/a", method: "GET", status: 200, durationMs: 3 });
  metrics.counter("refused", "Refused.", ["why"]).inc({ why: "limit" });
  const text = await metrics.registry.metrics();
  expect(text).toContain("tideway_bank_transfers_request_duration_seconds_count");
  expect(text).toContain('tideway_bank_transfers_refused_total{why="limit"');
});
