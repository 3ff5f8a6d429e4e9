/** Holds: reserve, post in full or in part, void, expire; and who may end them. */
import { idToUuid, newId, until } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  capitalOf,
  codeOf,
  customer,
  ending,
  failureOf,
  isBalanced,
  letExpire,
  openAccount,
  payment,
  standing,
  startLedger,
} from "../../test/harness.ts";
import type { TestLedger, TransferBody } from "../../test/harness.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

const post = (body: TransferBody) => ledger.as().postTransfer({ body });
const transferOf = (transferId: string) => ledger.as().transfer({ params: { transferId } });
const held = async (amount: number, change: Partial<TransferBody> = {}, funds = 100n) => {
  const from = await openAccount(ledger, { code: 220, amount: funds });
  const to = await openAccount(ledger, { code: 220 });
  const hold = await post(payment(from, to, amount, { kind: "hold", ...change }));
  return { from, to, hold, id: hold.transfer };
};

describe("a hold", () => {
  test("takes money out of what is available and gives nothing to the other side", async () => {
    const { from, to, hold } = await held(60);
    expect(hold).toMatchObject({ kind: "hold", state: "open", timeoutSeconds: null });
    expect(await standing(ledger, from)).toEqual({ available: 40n, held: 60n });
    expect(await standing(ledger, to)).toEqual({ available: 0n, held: 0n });
    expect(await codeOf(post(payment(from, to, 41)))).toBe("FUNDS_INSUFFICIENT");
    expect(await codeOf(post(payment(to, from, 1)))).toBe("FUNDS_INSUFFICIENT");
    await post(payment(from, to, 40));
    expect(await isBalanced(ledger)).toBe(true);
  });

  test("cannot reserve more than is available, held money counted", async () => {
    const { from, to } = await held(60);
    expect(await codeOf(post(payment(from, to, 41, { kind: "hold" })))).toBe("FUNDS_INSUFFICIENT");
    await post(payment(from, to, 40, { kind: "hold" }));
  });

  test("counts on the limited side that a credit shrinks, too", async () => {
    const debt = await openAccount(ledger, { code: 920 });
    const house = await capitalOf(ledger);
    const code = "demo-money";
    await post(payment(debt, house, 30, { code }));
    await post(payment(house, debt, 20, { kind: "hold", code }));
    expect(await codeOf(post(payment(house, debt, 11, { code })))).toBe("CREDIT_LIMIT");
    await post(payment(house, debt, 10, { code }));
  });
});

describe("posting a hold", () => {
  test("moves all of it when no amount is given", async () => {
    const { from, to, hold, id } = await held(60, { reference: "pay_7" });
    const posted = await post(ending("post-hold", id));
    expect(posted).toMatchObject({
      amount: "60",
      pending: id,
      state: "posted",
      reference: "pay_7",
    });
    expect(posted).toMatchObject({ debit: from, credit: to });
    expect(await standing(ledger, from)).toEqual({ available: 40n, held: 0n });
    expect(await standing(ledger, to)).toEqual({ available: 60n, held: 0n });
    expect(await transferOf(id)).toEqual({ ...hold, state: "posted" });
  });

  test("moves a part and releases the rest; zero releases all of it", async () => {
    const one = await held(60);
    await post(ending("post-hold", one.id, { amount: "25" }));
    expect(await standing(ledger, one.from)).toEqual({ available: 75n, held: 0n });
    expect(await standing(ledger, one.to)).toEqual({ available: 25n, held: 0n });
    const two = await held(60);
    await post(ending("post-hold", two.id, { amount: "0" }));
    expect(await standing(ledger, two.from)).toEqual({ available: 100n, held: 0n });
    expect(await isBalanced(ledger)).toBe(true);
  });

  test("moves at most what is held", async () => {
    const { id } = await held(60);
    expect(await codeOf(post(ending("post-hold", id, { amount: "61" })))).toBe(
      "PENDING_AMOUNT_EXCEEDED",
    );
  });

  test("needs no person: consent was given with the hold", async () => {
    const [ada, ben] = [await customer(ledger, 50n), await customer(ledger)];
    const body = payment(ada.account, ben.account, 50, { kind: "hold" });
    expect(await codeOf(post(body))).toBe("CONSENT_MISSING");
    await ledger.as({ person: ada.person }).postTransfer({ body });
    await post(ending("post-hold", body.transfer));
    expect(await standing(ledger, ben.account)).toEqual({ available: 50n, held: 0n });
  });
});

describe("ending a hold", () => {
  test("voiding gives everything back, once", async () => {
    const { from, id } = await held(60);
    const voided = await post(ending("void-hold", id));
    expect(voided).toMatchObject({ amount: "60", state: "posted", pending: id });
    expect(await standing(ledger, from)).toEqual({ available: 100n, held: 0n });
    expect(await codeOf(post(ending("void-hold", id)))).toBe("PENDING_ALREADY_VOIDED");
    expect(await codeOf(post(ending("post-hold", id)))).toBe("PENDING_ALREADY_VOIDED");
    expect((await transferOf(id)).state).toBe("voided");
  });

  test("a posted hold cannot be ended again", async () => {
    const { id } = await held(60);
    await post(ending("post-hold", id, { amount: "10" }));
    expect(await codeOf(post(ending("post-hold", id)))).toBe("PENDING_ALREADY_POSTED");
    expect(await codeOf(post(ending("void-hold", id)))).toBe("PENDING_ALREADY_POSTED");
  });

  test("repeats are the same transfer whether fields are left out or spelled", async () => {
    const { from, to, id } = await held(60, { reference: "pay_7" });
    const body = ending("post-hold", id);
    const posted = await post(body);
    const spelled = { debit: from, credit: to, amount: "60", reference: "pay_7" };
    expect(await post(body)).toEqual(posted);
    expect(await post({ ...body, ...spelled })).toEqual(posted);
    const changes: [string, Partial<TransferBody>][] = [
      ["amount", { amount: "59" }],
      ["kind", { kind: "void-hold" }],
      ["pending", { pending: newId("trf") }],
      ["debit", { debit: to }],
      ["reference", { reference: "pay_8" }],
    ];
    for (const [field, change] of changes) {
      expect(await failureOf(post({ ...body, ...change }))).toMatchObject({
        code: "TRANSFER_EXISTS_DIFFERENT",
        given: { field },
      });
    }
    const asPost = payment(from, to, 60, { transfer: body.transfer });
    expect(await codeOf(post(asPost))).toBe("TRANSFER_EXISTS_DIFFERENT");
    const overHold = ending("post-hold", id, { transfer: id, pending: newId("trf") });
    expect(await codeOf(post(overHold))).toBe("TRANSFER_EXISTS_DIFFERENT");
  });

  test("a repeated hold answers with its present state", async () => {
    const from = await openAccount(ledger, { code: 220, amount: 9n });
    const to = await openAccount(ledger, { code: 220 });
    const body = payment(from, to, 9, { kind: "hold", timeoutSeconds: 60 });
    const hold = await post(body);
    await post(ending("void-hold", body.transfer));
    expect(await post(body)).toEqual({ ...hold, state: "voided" });
    expect(await failureOf(post({ ...body, timeoutSeconds: 61 }))).toMatchObject({
      code: "TRANSFER_EXISTS_DIFFERENT",
      given: { field: "timeoutSeconds" },
    });
  });

  test("fields that are not the hold's own are refused", async () => {
    const { from, to, id } = await held(60);
    const changes: [string, Partial<TransferBody>][] = [
      ["debit", { debit: to }],
      ["credit", { credit: from }],
      ["asset", { asset: "USD" }],
      ["code", { code: "refund" }],
      ["amount", { kind: "void-hold", amount: "59" }],
    ];
    for (const [field, change] of changes) {
      expect(await failureOf(post(ending("post-hold", id, change)))).toMatchObject({
        code: "PENDING_DIFFERENT",
        given: { field },
      });
    }
  });

  test("what is no hold, its own id, or another service's hold", async () => {
    const { from, to, id } = await held(60);
    const posted = await post(payment(from, to, 1));
    expect(await codeOf(post(ending("void-hold", newId("trf"))))).toBe("PENDING_NOT_FOUND");
    expect(await codeOf(post(ending("void-hold", posted.transfer)))).toBe("PENDING_NOT_FOUND");
    expect(await codeOf(post(ending("void-hold", id, { transfer: id })))).toBe("BODY_INVALID");
    expect(await codeOf(post({ ...ending("void-hold", id), timeoutSeconds: 1 }))).toBe(
      "BODY_INVALID",
    );
    for (const kind of ["post-hold", "void-hold"] as const) {
      const theirs = ledger.as({ caller: "exchange" }).postTransfer({ body: ending(kind, id) });
      expect(await codeOf(theirs)).toBe("PENDING_NOT_YOURS");
    }
    expect(await standing(ledger, from)).toEqual({ available: 39n, held: 60n });
  });

  test("of many ends at once exactly one happens", async () => {
    const { from, to, id } = await held(60);
    const ends = Array.from({ length: 8 }, (_, i) =>
      codeOf(post(ending(i % 2 === 0 ? "post-hold" : "void-hold", id))),
    );
    const codes = await Promise.all(ends);
    expect(codes.filter((code) => code === "none")).toHaveLength(1);
    const [paid, left] = [await standing(ledger, to), await standing(ledger, from)];
    expect(paid.available + left.available).toBe(100n);
    expect(left.held).toBe(0n);
  });
});

describe("a hold with a timeout", () => {
  test("is over by the database's clock: it is neither posted nor counted nor held", async () => {
    const { from, to, id } = await held(100, { timeoutSeconds: 600 });
    expect(await standing(ledger, from)).toEqual({ available: 0n, held: 100n });
    await letExpire(ledger, id);
    expect(await standing(ledger, from)).toEqual({ available: 100n, held: 0n });
    expect((await transferOf(id)).state).toBe("expired");
    expect(await codeOf(post(ending("post-hold", id)))).toBe("PENDING_EXPIRED");
    expect(await codeOf(post(ending("void-hold", id)))).toBe("PENDING_EXPIRED");
    await post(payment(from, to, 100));
    expect(await standing(ledger, from)).toEqual({ available: 0n, held: 0n });
    expect(await isBalanced(ledger)).toBe(true);
  });

  test("really ends by itself after its seconds, and the sweeper books it", async () => {
    const { from, id } = await held(70, { timeoutSeconds: 1 });
    await until(async () => (await sumsOf(from)) === "0", {
      deadlineMs: 15_000,
      what: "the sweeper releases the expired hold",
    });
    expect((await transferOf(id)).state).toBe("expired");
    expect(await codeOf(post(ending("post-hold", id)))).toBe("PENDING_EXPIRED");
    expect(await isBalanced(ledger)).toBe(true);
  });

  /** The pending debits as they are written, expired ones not taken off. */
  const sumsOf = async (account: string): Promise<string | undefined> => {
    const { rows } = await ledger.admin.query<{ debits_pending: string }>(
      "select debits_pending from accounts where id = $1",
      [idToUuid("acc", account)],
    );
    return rows[0]?.debits_pending;
  };

  test("posted before its time is not released after it", async () => {
    const { from, to, id } = await held(70, { timeoutSeconds: 600 });
    await post(ending("post-hold", id, { amount: "30" }));
    await letExpire(ledger, id);
    expect((await transferOf(id)).state).toBe("posted");
    expect(await standing(ledger, from)).toEqual({ available: 70n, held: 0n });
    expect(await standing(ledger, to)).toEqual({ available: 30n, held: 0n });
  });
});
