/** Lists and their pages, names, and where what people write to each other may be found. */
import { fakeClock, idToUuid, newId } from "@tideway/kernel";
import { createPool, tx } from "@tideway/store";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { forgetAnswersWithNotes } from "../src/store/person-keys.ts";
import { ask, codeOf, newKey, pay, send, startMoney } from "./money-under-test.ts";
import type { Money, Person } from "./money-under-test.ts";

let money: Money;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  money = await startMoney();
  [ada, ben] = await Promise.all([money.rich("Ada"), money.rich("Ben")]);
});
afterEach(() => money.heal());
afterAll(() => money.close());

const erase = (person: Person) => person.payments.eraseNotes();
const readPayment = (by: Person, paymentId: string) =>
  by.payments.payment({ params: { paymentId } });

/** All pages of a list, by following its cursors. */
async function walk<T>(
  page: (after: string | undefined) => Promise<{ items: T[]; next: string | null }>,
): Promise<{ items: T[]; pages: number }> {
  const items: T[] = [];
  let after: string | undefined;
  for (let pages = 1; pages <= 50; pages++) {
    const found = await page(after);
    items.push(...found.items);
    if (found.next === null) return { items, pages };
    after = found.next;
  }
  throw new Error("The list has no end.");
}

describe("lists", () => {
  test("payments both ways, newest first, each once over all pages", async () => {
    const cleo = await money.rich("Cleo");
    const made: string[] = [];
    for (let i = 1; i <= 7; i++) {
      const [from, to] = i % 2 ? [cleo, ben] : [ben, cleo];
      made.unshift((await send(from, to, String(i))).payment);
    }
    const { items, pages } = await walk((after) =>
      cleo.payments.payments({ query: { limit: 3, ...(after === undefined ? {} : { after }) } }),
    );
    expect(items.map((one) => one.payment)).toEqual(made);
    expect(pages).toBe(3);
    expect((await cleo.payments.payments()).items.map((one) => one.payment)).toEqual(made);
    expect(items[0]?.payer.name).toBe("Cleo");
    expect(items[1]?.payee.name).toBe("Cleo");
  });

  test("pages do not lose or repeat rows of one moment", async () => {
    const cleo = await money.rich();
    for (let i = 0; i < 5; i++) await ask(cleo, "1");
    await money.admin.query(
      "update invoices set created_at = date_trunc('day', created_at) where state = 'open'",
    );
    const { items, pages } = await walk((after) =>
      cleo.payments.invoices({ query: { limit: 2, ...(after === undefined ? {} : { after }) } }),
    );
    expect(new Set(items.map((one) => one.invoice)).size).toBe(5);
    expect(pages).toBe(3);
  });

  test("a made-up cursor is refused", async () => {
    const cursor = (text: string) => Buffer.from(text).toString("base64url");
    const place = "00000000-0000-7000-8000-000000000000";
    const noMoments = ["2026-02-31T00:00:00", "0000-01-01T00:00:00", "2026-01-01T24:00:00"];
    const cursors = noMoments.map((moment) => cursor(`${moment}.000000Z ${place}`));
    for (const after of ["x", "", cursor("2026-13-99 x"), ...cursors]) {
      expect(await codeOf(ada.payments.payments({ query: { after } }))).toBe("BODY_INVALID");
      expect(await codeOf(ada.payments.invoices({ query: { after } }))).toBe("BODY_INVALID");
    }
    expect(await codeOf(ada.payments.payments({ query: { limit: 201 } }))).toBe("BODY_INVALID");
  });

  test("a failed attempt is seen by who made it and by nobody else", async () => {
    const [poor, payee] = await Promise.all([money.signUp(), money.signUp()]);
    expect(await codeOf(send(poor, payee, "5"))).toBe("FUNDS_INSUFFICIENT");
    const [attempt] = (await poor.payments.payments()).items;
    expect(attempt).toMatchObject({ state: "failed", failure: "FUNDS_INSUFFICIENT" });
    expect((await payee.payments.payments()).items).toEqual([]);
    const id = attempt?.payment ?? "";
    expect((await readPayment(poor, id)).state).toBe("failed");
    for (const other of [payee, ada]) {
      expect(await codeOf(readPayment(other, id))).toBe("PAYMENT_NOT_FOUND");
    }
    expect(await codeOf(readPayment(ada, newId("pay")))).toBe("PAYMENT_NOT_FOUND");
  });

  test("a paid one is seen by both and by nobody else", async () => {
    const paid = await send(ada, ben, "5", { note: "for lunch" });
    expect(await readPayment(ada, paid.payment)).toEqual(paid);
    expect(await readPayment(ben, paid.payment)).toEqual(paid);
    const stranger = await money.signUp();
    expect(await codeOf(readPayment(stranger, paid.payment))).toBe("PAYMENT_NOT_FOUND");
  });

  test("invoices are listed for the payee alone", async () => {
    const cleo = await money.signUp();
    const { invoice } = await ask(cleo, "9");
    expect((await cleo.payments.invoices()).items.map((one) => one.invoice)).toEqual([invoice]);
    expect((await ada.payments.invoices()).items).toEqual([]);
  });
});

describe("names", () => {
  test("without identity the list works, with Someone for those not known yet", async () => {
    const cleo = await money.rich("Cleo");
    await send(cleo, ada, "1");
    const fresh = await money.startAnother();
    money.gateway.fault = (call) => (call.service === "identity" ? "refuse" : "none");
    const [unknown] = (await money.as(cleo, fresh).payments()).items;
    expect([unknown?.payer.name, unknown?.payee.name]).toEqual(["Someone", "Someone"]);
    const [known] = (await cleo.payments.payments()).items;
    expect(known?.payer.name).toBe("Cleo");
    await fresh.stop();
  });

  test("whoever was known once is paid while identity is down; a stranger is not", async () => {
    const [cleo, stranger] = await Promise.all([money.rich("Cleo"), money.signUp()]);
    const clock = fakeClock();
    const instance = await money.startAnother({ clock });
    const by = money.as(cleo, instance);
    const asked = () => money.gateway.calls.filter((call) => call.service === "identity").length;
    const before = asked();
    expect(await send(cleo, ada, "1", { by })).toMatchObject({ payer: { name: "Cleo" } });
    // The payee's existence and both names are one question.
    expect(asked()).toBe(before + 1);
    clock.advance(600_000);
    money.gateway.fault = (call) => (call.service === "identity" ? "refuse" : "none");
    expect(await send(cleo, ada, "1", { by })).toMatchObject({ payer: { name: "Cleo" } });
    expect(await codeOf(send(cleo, stranger, "1", { by }))).toBe("UPSTREAM_UNAVAILABLE");
    await instance.stop();
  });

  test("are asked for once a minute, not once a request", async () => {
    await ada.payments.payments();
    const asked = () => money.gateway.calls.filter((call) => call.path === "/people/names").length;
    const before = asked();
    await ada.payments.payments();
    await ada.payments.payments();
    expect(asked()).toBe(before);
  });
});

describe("notes", () => {
  const SECRET = "the surprise party on friday";

  test("are readable by payer and payee and nowhere in the clear", async () => {
    const [cleo, dora] = await Promise.all([money.rich(), money.signUp()]);
    const paid = await send(cleo, dora, "3", { note: SECRET });
    expect(paid.note).toBe(SECRET);
    const [received] = (await dora.payments.payments()).items;
    expect(received?.note).toBe(SECRET);
    for (const table of ["payments", "invoices", "person_keys", "top_ups"]) {
      const rows = await money.admin.query<{ row: string }>(
        `select coalesce(string_agg(t::text, ' '), '') as row from ${table} t`,
      );
      expect(rows.rows[0]?.row).not.toContain(SECRET);
      expect(rows.rows[0]?.row).not.toContain(Buffer.from(SECRET).toString("hex"));
    }
    const logs = [...money.payments.logLines, ...money.ledgerLog].join("\n");
    for (const word of [SECRET, cleo.email, "Cleo"]) expect(logs).not.toContain(word);
  });

  test("die with the key of who wrote them, and with no other's", async () => {
    const [cleo, dora] = await Promise.all([money.rich(), money.rich()]);
    const key = newKey();
    const byCleo = await send(cleo, dora, "3", { note: "only for the two of us", key });
    const byDora = await send(dora, cleo, "4", { note: "thanks" });
    const { invoice } = await ask(cleo, "2", "an old debt");
    const settled = await pay(dora, invoice);
    expect(settled.note).toBe("an old debt");
    await erase(cleo);
    expect((await readPayment(dora, byCleo.payment)).note).toBeNull();
    expect((await readPayment(dora, settled.payment)).note).toBeNull();
    expect((await dora.payments.invoice({ params: { invoiceId: invoice } })).note).toBeNull();
    expect((await readPayment(cleo, byDora.payment)).note).toBe("thanks");
    const retried = await send(cleo, dora, "3", { note: "only for the two of us", key });
    expect(retried).toEqual({ ...byCleo, note: null });
    expect(await money.movements(byCleo.payment)).toBe(1);
    const kept = await money.admin.query<{ count: number }>(
      "select count(*)::int as count from idempotency_keys where reply::text like any($1)",
      [["%only for the two of us%", "%an old debt%"]],
    );
    expect(kept.rows[0]?.count).toBe(0);
  });

  test("written afterwards live under a new key; erasing twice is harmless", async () => {
    const [cleo, dora] = await Promise.all([money.rich(), money.signUp()]);
    const before = await send(cleo, dora, "3", { note: "before" });
    await erase(cleo);
    await erase(cleo);
    const after = await send(cleo, dora, "3", { note: "after" });
    expect((await readPayment(dora, before.payment)).note).toBeNull();
    expect((await readPayment(dora, after.payment)).note).toBe("after");
  });

  test("moved to another row, a note does not open", async () => {
    const { payment } = await send(ada, ben, "3", { note: "mine" });
    const victim = await send(ada, ben, "3", { note: "yours" });
    await money.admin.query("alter table payments disable trigger payments_final");
    await money.admin.query(
      `update payments set note_sealed = (select note_sealed from payments where payment = $1)
       where payment = $2`,
      [idToUuid("pay", payment), idToUuid("pay", victim.payment)],
    );
    await money.admin.query("alter table payments enable trigger payments_final");
    expect(await codeOf(readPayment(ben, victim.payment))).toBe("INTERNAL");
  });
});

test("the service's own role can neither delete payments nor rewrite what was agreed", async () => {
  const url = money.payments.config.databaseUrl ?? "";
  const pool = createPool({ url, connectionsMax: 1, applicationName: "test" });
  for (const statement of [
    "delete from payments",
    "update payments set amount = 1",
    "update invoices set amount = 1",
    "delete from invoices",
  ]) {
    await expect(pool.query(statement)).rejects.toThrow("permission denied");
  }
  await pool.end();
});

test("erasing notes looks at the answers of those concerned, not at everybody's", async () => {
  await money.admin.query(
    `insert into idempotency_keys (principal, route, key, body_digest, operation, status, reply)
     select 'per_' || i, 'POST /payments', 'k', '', '', 201, '{"note":"x"}'
     from generate_series(1, 20000) i`,
  );
  await money.admin.query("analyze idempotency_keys");
  await tx(money.admin, async (t) => {
    const scans = async () => {
      const found = await t.query<{ scans: number }>(
        `select seq_scan::int as scans from pg_stat_xact_user_tables
         where relname = 'idempotency_keys'`,
      );
      return found.rows[0]?.scans;
    };
    const before = await scans();
    await forgetAnswersWithNotes(t, ada.person);
    expect(await scans()).toBe(before);
  });
});
