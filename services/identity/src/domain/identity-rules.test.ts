import { CodedError } from "@tideway/kernel";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normaliseEmail } from "./email.ts";
import { planNextKey, signingKeyAt } from "./key-schedule.ts";
import type { KeyTimes } from "./key-schedule.ts";
import { checkNewPassword } from "./password-rule.ts";
import { normaliseName } from "./person-name.ts";
import { GRACE_MS, GRACE_USES_MAX, decideRefresh, refreshExpiryMs } from "./refresh.ts";
import { FAILURES_FORGOTTEN_MS, FREE_FAILURES, admitAttempt, waitAfterMs } from "./throttle.ts";
import type { FailureRecord } from "./throttle.ts";

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return "no error";
};
const DAY_MS = 86_400_000;

describe("what people type", () => {
  test("an address has one spelling", () => {
    expect(normaliseEmail("  Ada@Tideway.Example ")).toBe("ada@tideway.example");
    expect(normaliseEmail("a.b+c@x-y.co.uk")).toBe("a.b+c@x-y.co.uk");
    expect(normaliseEmail("jürgen@bücher.example")).toBe("jürgen@bücher.example");
  });

  test.each([
    "ada",
    "ada@",
    "@tideway.example",
    "ada@tideway",
    "ada@@tideway.example",
    "a b@tideway.example",
    ".ada@tideway.example",
    "ada..b@tideway.example",
    "ada@-tideway.example",
    "ada@10.0.0.1",
    `${"a".repeat(65)}@tideway.example`,
    'ada"@tideway.example',
    "ada@tideway.example\r\nbcc: all",
  ])("%j is not an address", (text) => {
    expect(codeOf(() => normaliseEmail(text))).toBe("EMAIL_INVALID");
  });

  test("a name is what one sees of it", () => {
    expect(normaliseName("  Ada   Lovelace ")).toBe("Ada Lovelace");
    expect(normaliseName("👩‍🚀")).toBe("👩‍🚀");
    for (const name of ["", "   ", "a\nb", "\u202eadA", "\u200d", "x".repeat(81), "\u2028"]) {
      expect(codeOf(() => normaliseName(name))).toBe("NAME_INVALID");
    }
    expect(normaliseName("𝒜".repeat(80))).toHaveLength(160);
  });

  test("ten characters make a password, nine do not, whatever they are", () => {
    expect(codeOf(() => checkNewPassword("a".repeat(9)))).toBe("PASSWORD_WEAK");
    expect(codeOf(() => checkNewPassword("👍".repeat(9)))).toBe("PASSWORD_WEAK");
    expect(codeOf(() => checkNewPassword("a".repeat(10)))).toBe("no error");
  });
});

describe("throttle", () => {
  const fresh: FailureRecord = { failures: 0, blockedUntilMs: null, lastAtMs: 0 };
  const fail = (record: FailureRecord, nowMs: number): FailureRecord => {
    const attempt = admitAttempt(record, nowMs);
    if (attempt.kind === "throttled") throw new Error(`throttled for ${attempt.seconds} s`);
    return attempt.record;
  };

  test("five wrong passwords are free, then the waits double up to 15 minutes", () => {
    let record = fresh;
    for (let i = 0; i < FREE_FAILURES; i++) record = fail(record, 1_000);
    expect(admitAttempt(record, 1_000)).toEqual({ kind: "throttled", seconds: 5 });
    expect(admitAttempt(record, 5_999)).toEqual({ kind: "throttled", seconds: 1 });
    expect(fail(record, 6_000).blockedUntilMs).toBe(16_000);
    expect([4, 5, 6, 7, 12, 13, 1_000].map(waitAfterMs)).toEqual([
      0, 5_000, 10_000, 20_000, 640_000, 900_000, 900_000,
    ]);
  });

  test("a day without an attempt forgets them", () => {
    const record = { failures: 40, blockedUntilMs: 900_000, lastAtMs: 0 };
    expect(fail(record, FAILURES_FORGOTTEN_MS + 1).failures).toBe(1);
    expect(fail(record, 900_000).failures).toBe(41);
  });

  test("no order of attempts gets more guesses through than the waits allow", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60_000), { maxLength: 200 }), (gaps) => {
        let record = fresh;
        let nowMs = 0;
        let admitted = 0;
        for (const gap of gaps) {
          nowMs += gap;
          const attempt = admitAttempt(record, nowMs);
          if (attempt.kind === "throttled") continue;
          record = attempt.record;
          admitted++;
        }
        let neededMs = 0;
        for (let n = 1; n < admitted; n++) neededMs += waitAfterMs(n);
        expect(nowMs).toBeGreaterThanOrEqual(neededMs);
      }),
    );
  });
});

describe("refresh", () => {
  const token = {
    expiresAtMs: 100_000,
    rotatedAtMs: null,
    graceUses: 0,
    sessionExpiresAtMs: 200_000,
    sessionEndedAtMs: null,
  };

  test("each state of a token has its decision", () => {
    expect(decideRefresh(token, 0)).toBe("rotate");
    expect(decideRefresh(token, 100_000)).toBe("refuse");
    expect(decideRefresh({ ...token, sessionEndedAtMs: 1 }, 2)).toBe("refuse");
    expect(decideRefresh({ ...token, sessionExpiresAtMs: 5 }, 5)).toBe("refuse");
    const rotated = { ...token, rotatedAtMs: 1_000 };
    expect(decideRefresh(rotated, 1_000 + GRACE_MS)).toBe("rotate-in-grace");
    expect(decideRefresh(rotated, 1_001 + GRACE_MS)).toBe("end-session");
    expect(decideRefresh({ ...rotated, graceUses: GRACE_USES_MAX }, 1_001)).toBe("end-session");
  });

  test("a refresh token never outlives its session", () => {
    expect(refreshExpiryMs(0, 10)).toBe(10);
    expect(refreshExpiryMs(0, 400 * DAY_MS)).toBe(30 * DAY_MS);
  });
});

describe("signing keys", () => {
  test("whatever the pauses between looks, one key signs and its public half outlives its tokens", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40 * DAY_MS), { minLength: 1, maxLength: 30 }), (pauses) => {
        let nowMs = 0;
        const keys: KeyTimes[] = [];
        for (const pause of pauses) {
          nowMs += pause;
          for (let next = planNextKey(keys, nowMs); next; next = planNextKey(keys, nowMs)) {
            keys.push(next);
          }
          const signing = keys.filter(
            (key) => key.signsFromMs <= nowMs && nowMs < key.signsUntilMs,
          );
          expect(signing).toHaveLength(1);
          expect(signingKeyAt(keys, nowMs)).toBe(signing[0]);
          expect(signing[0]?.verifiesUntilMs).toBeGreaterThan(nowMs + 600_000);
        }
      }),
    );
  });

  test("the next key is made a day before it signs", () => {
    const first = planNextKey([], 0);
    if (first === null) throw new Error("The first key is due at once.");
    expect(planNextKey([first], 29 * DAY_MS - 1)).toBeNull();
    expect(planNextKey([first], 29 * DAY_MS)?.signsFromMs).toBe(30 * DAY_MS);
  });
});
