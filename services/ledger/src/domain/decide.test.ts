/** The rules without a database: limits, the order of refusals, the clock, and sums that must hold. */
import { AMOUNT_MAX, InvariantBroken, newId } from "@tideway/kernel";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_BALANCES, assertSameBalances, assertSound, availableOf } from "./account.ts";
import type { Account } from "./account.ts";
import { decideMove } from "./decide-move.ts";
import type { Decision, MoveInput } from "./decide-move.ts";
import { decideResolution, withoutHolds } from "./decide-resolution.ts";
import type { Actor } from "./grants.ts";
import { timestampOf } from "./moment.ts";
import { differingField } from "./same-transfer.ts";
import { stateOf } from "./transfer.ts";
import type { MoveCommand, ResolveCommand, Transfer } from "./transfer.ts";

const NOW = 1_800_000_000_000_000n;
const OWNER = newId("per");

const account = (change: Partial<Account> = {}): Account => ({
  ...NO_BALANCES,
  id: newId("acc"),
  asset: "EUR",
  scale: 2,
  code: 220,
  owner: OWNER,
  normalSide: "credit",
  limited: true,
  lastEntryAtMicros: null,
  openedAtMicros: 0n,
  ...change,
});
const debtOf = (debitsPosted: bigint): Account =>
  account({ code: 920, normalSide: "debit", debitsPosted });
const actor: Actor = {
  service: "payments",
  revision: "payments-1",
  person: null,
  grants: [210, 220].flatMap((debit) =>
    [220, 920].flatMap((credit) =>
      (["transfer", "hold"] as const).map((operation) => ({
        operation,
        debit,
        credit,
        code: "payment",
      })),
    ),
  ),
};
const decide = (
  amount: bigint,
  change: Partial<MoveInput> = {},
  kind: MoveCommand["kind"] = "post",
) => {
  const debit = change.debit ?? account({ creditsPosted: 100n });
  const credit = change.credit ?? account();
  const command: MoveCommand = {
    id: newId("trf"),
    kind,
    debit: debit.id,
    credit: credit.id,
    amount,
    asset: "EUR",
    code: "payment",
    timeoutSeconds: null,
    reference: null,
  };
  return decideMove({ command, actor, nowMicros: NOW, ...change, debit, credit });
};
const codeOf = (decision: Decision): string =>
  decision.kind === "refused" ? decision.refusal.code : "made";
const made = (decision: Decision) => {
  if (decision.kind === "refused") throw new Error(`It was refused: ${decision.refusal.code}.`);
  return decision;
};

describe("limits", () => {
  test("what is held counts as gone, what is coming does not count", () => {
    const debit = account({ creditsPosted: 100n, debitsPending: 60n, creditsPending: 500n });
    expect(availableOf(debit)).toBe(40n);
    expect(codeOf(decide(40n, { debit }))).toBe("made");
    expect(codeOf(decide(41n, { debit }))).toBe("FUNDS_INSUFFICIENT");
    expect(codeOf(decide(41n, { debit }, "hold"))).toBe("FUNDS_INSUFFICIENT");
  });

  test("mirrored for accounts that grow by debits", () => {
    const credit = { ...debtOf(50n), creditsPending: 20n };
    expect(codeOf(decide(30n, { credit }))).toBe("made");
    expect(codeOf(decide(31n, { credit }))).toBe("CREDIT_LIMIT");
  });

  test("an account without a limit may go below zero", () => {
    const debit = account({ limited: false });
    expect(availableOf(made(decide(70n, { debit })).debit)).toBe(-70n);
  });

  test("of several reasons the first in the documented order is told", () => {
    const poor = { debit: account(), credit: debtOf(0n) };
    expect(codeOf(decide(1n, poor))).toBe("FUNDS_INSUFFICIENT");
    const full = { ...poor, credit: { ...debtOf(0n), limited: false, creditsPosted: AMOUNT_MAX } };
    expect(codeOf(decide(1n, full))).toBe("BALANCE_OVERFLOW");
    const foreign = { ...full, debit: account({ asset: "USD" }) };
    expect(codeOf(decide(1n, foreign))).toBe("ASSET_MISMATCH");
    const customer = { ...foreign, debit: account({ asset: "USD", code: 210 }) };
    expect(codeOf(decide(1n, customer))).toBe("CONSENT_MISSING");
    expect(codeOf(decide(1n, { ...customer, actor: { ...actor, grants: [] } }))).toBe(
      "GRANT_MISSING",
    );
  });

  test("any accepted move keeps both accounts sound and moves equal sums", () => {
    const sum = fc.bigInt({ min: 0n, max: 50n });
    fc.assert(
      fc.property(sum, sum, sum, sum, fc.boolean(), (funds, held, amount, owed, isHold) => {
        const debit = account({ creditsPosted: funds + held, debitsPending: held });
        const decision = decide(amount, { debit, credit: debtOf(owed) }, isHold ? "hold" : "post");
        const fits = amount <= funds && amount <= owed;
        expect(decision.kind).toBe(fits ? "made" : "refused");
        if (decision.kind === "refused") return;
        const total = (one: Account) =>
          one.debitsPosted + one.debitsPending - one.creditsPosted - one.creditsPending;
        expect(total(decision.debit) - total(debit)).toBe(amount);
        expect(availableOf(decision.debit)).toBe(funds - amount);
      }),
    );
  });
});

describe("time", () => {
  test("an entry is later than the accounts' last ones, also when the clock jumps back", () => {
    const debit = account({ creditsPosted: 9n, lastEntryAtMicros: NOW + 5n });
    const credit = account({ lastEntryAtMicros: NOW + 7n });
    const decision = made(decide(1n, { debit, credit }));
    expect(decision.transfer.atMicros).toBe(NOW + 8n);
    expect(decision.debit.lastEntryAtMicros).toBe(NOW + 8n);
    expect(made(decide(1n)).transfer.atMicros).toBe(NOW);
  });

  test("is told to the microsecond", () => {
    expect(timestampOf(1_767_225_600_000_007n)).toBe("2026-01-01T00:00:00.000007Z");
  });

  test("a hold is over at the very microsecond it expires", () => {
    const { transfer } = made(decide(1n, {}, "hold"));
    const timed = { ...transfer, timeoutSeconds: 3 };
    const end = transfer.atMicros + 3_000_000n;
    expect(stateOf(timed, null, end - 1n)).toBe("open");
    expect(stateOf(timed, null, end)).toBe("expired");
    expect(stateOf(timed, "posted", end)).toBe("posted");
    expect(stateOf(transfer, null, end * 2n)).toBe("open");
  });
});

describe("ending a hold", () => {
  const open = made(decide(60n, {}, "hold"));
  const end = (
    change: Partial<ResolveCommand> = {},
    nowMicros = NOW + 1n,
    timeout: number | null = null,
  ) =>
    decideResolution({
      command: {
        id: newId("trf"),
        kind: "post-hold",
        pending: open.transfer.id,
        debit: null,
        credit: null,
        amount: null,
        asset: "EUR",
        code: "payment",
        reference: null,
        ...change,
      },
      actor: { ...actor, grants: [] },
      hold: { ...open.transfer, timeoutSeconds: timeout },
      outcome: null,
      debit: open.debit,
      credit: open.credit,
      nowMicros,
    });

  test("posts at most what is held and gives the rest back, without any grant", () => {
    const { debit, credit, outcome } = made(end({ amount: 25n }));
    expect({ outcome, available: availableOf(debit) }).toEqual({
      outcome: "posted",
      available: 75n,
    });
    expect([debit.debitsPending, credit.creditsPending, credit.creditsPosted]).toEqual([
      0n,
      0n,
      25n,
    ]);
    expect(codeOf(end({ amount: 61n }))).toBe("PENDING_AMOUNT_EXCEEDED");
  });

  test("is possible until the microsecond before it expires", () => {
    const expiry = open.transfer.atMicros + 2_000_000n;
    expect(codeOf(end({}, expiry - 1n, 2))).toBe("made");
    expect(codeOf(end({}, expiry, 2))).toBe("PENDING_EXPIRED");
  });

  test("releasing what was never held breaks an invariant", () => {
    const hold = open.transfer;
    expect(() => withoutHolds(open.debit, [hold, hold])).toThrow(InvariantBroken);
    expect(() => withoutHolds(account(), [hold])).toThrow(InvariantBroken);
  });
});

describe("the same transfer", () => {
  const { transfer } = made(decide(5n));
  const command: MoveCommand = {
    id: transfer.id,
    kind: "post",
    debit: transfer.debit,
    credit: transfer.credit,
    amount: 5n,
    asset: "EUR",
    code: "payment",
    timeoutSeconds: null,
    reference: null,
  };
  const differs = (change: Partial<MoveCommand>, existing: Transfer = transfer) =>
    differingField({
      existing,
      command: { ...command, ...change },
      service: "payments",
      hold: null,
    });

  test("names the first differing field in the documented order", () => {
    expect(differs({})).toBeNull();
    expect(differs({ code: "refund", amount: 6n, debit: "acc_x" })).toBe("debit");
    expect(differs({ code: "refund", reference: "pay_1" })).toBe("reference");
    expect(differs({ kind: "hold", amount: 6n, timeoutSeconds: 3 })).toBe("kind");
    expect(differs({ amount: 6n }, { ...transfer, service: "exchange" })).toBe("service");
  });
});

describe("sums that must hold", () => {
  test.each([
    ["overdrawn", account({ debitsPosted: 1n })],
    ["overdrawn by a hold", account({ debitsPending: 1n })],
    ["negative", account({ limited: false, creditsPending: -1n })],
    ["above 128 bits", account({ limited: false, creditsPosted: AMOUNT_MAX, creditsPending: 1n })],
  ])("an account that is %s is never written", (_, broken) => {
    expect(() => assertSound(broken)).toThrow(InvariantBroken);
  });

  test("sums that are read back different stop the request", () => {
    const one = account({ creditsPosted: 1n });
    expect(() => assertSameBalances(one, one, one.id)).not.toThrow();
    expect(() => assertSameBalances(one, account(), one.id)).toThrow(InvariantBroken);
  });
});
