import { describe, expect, test } from "vitest";
import { groupByDay, relativeDay } from "./group-by-day.ts";

const group = (timestamps: string[], timeZone: string) =>
  groupByDay(timestamps, { timeZone, timestampOf: (timestamp) => timestamp });

describe("activity by day", () => {
  test("splits at the reader's midnight, not at UTC's", () => {
    const timestamps = ["2026-11-20T00:10:00Z", "2026-11-19T23:50:00Z", "2026-11-19T22:30:00Z"];
    expect(group(timestamps, "Europe/Berlin").map(({ day, items }) => [day, items.length])).toEqual(
      [
        ["2026-11-20", 2],
        ["2026-11-19", 1],
      ],
    );
    expect(group(timestamps, "America/New_York").map(({ day }) => day)).toEqual(["2026-11-19"]);
  });

  test("keeps the order it was given, and is empty for nothing", () => {
    const timestamps = ["2026-11-20T09:00:00Z", "2026-11-20T08:00:00Z"];
    expect(group(timestamps, "UTC")[0]?.items).toEqual(timestamps);
    expect(group([], "UTC")).toEqual([]);
  });

  test("knows today and yesterday across the night the clocks change", () => {
    // 2026-10-25 has 25 hours in Berlin; half past midnight on the 26th is 24.5 hours after its start.
    const nowMs = Date.parse("2026-10-25T23:30:00Z");
    expect(relativeDay("2026-10-26", nowMs, "Europe/Berlin")).toBe("today");
    expect(relativeDay("2026-10-25", nowMs, "Europe/Berlin")).toBe("yesterday");
    expect(relativeDay("2026-10-24", nowMs, "Europe/Berlin")).toBe("other");
    expect(relativeDay("2026-02-28", Date.parse("2026-03-01T12:00:00Z"), "UTC")).toBe("yesterday");
  });
});
