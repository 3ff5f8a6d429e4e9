/**
 * Random sequences of commands go to the service and to the plain model side by side. After each
 * one both gave the same answer; after each sequence all sums agree and the books balance.
 */
import { idToUuid, newId } from "@tideway/kernel";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  capitalOf,
  codeOf,
  ending,
  isBalanced,
  letExpire,
  openAccount,
  payment,
  startLedger,
} from "./harness.ts";
import type { TestLedger, TransferBody } from "./harness.ts";
import { Model } from "./model.ts";
import type { ModelAccount } from "./model.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

const RUNS = 15;
const COMMANDS = { minLength: 25, maxLength: 45, size: "max" } as const;

const index = fc.nat(1_000);
const amount = fc.oneof(fc.nat(120), fc.constantFrom(0, 1));
const command = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant("give" as const), index, amount }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("move" as const),
      kind: fc.constantFrom("post" as const, "hold" as const),
      from: index,
      to: index,
      amount,
      timed: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("end" as const),
      kind: fc.constantFrom("post-hold" as const, "void-hold" as const),
      index,
      amount: fc.option(amount, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("repeat" as const), index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("alter" as const),
      index,
      field: fc.constantFrom("kind", "amount", "reference", "asset", "code"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("expire" as const), index }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("burn" as const), index }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

interface World {
  readonly accounts: readonly ModelAccount[];
  readonly capital: string;
  readonly model: Model;
  readonly sent: TransferBody[];
}

/** The sequences are worth something only if they reach these too; by chance a few may not. */
const REACHED = [
  "none",
  "FUNDS_INSUFFICIENT",
  "TRANSFER_ID_BURNED",
  "TRANSFER_EXISTS_DIFFERENT",
  "PENDING_AMOUNT_EXCEEDED",
  "PENDING_EXPIRED",
];
const BATCHES_MAX = 8;

test("the service and a plain model never disagree", { timeout: 240_000 }, async () => {
  const seen = new Set<string>();
  const isEnough = (): boolean => REACHED.every((code) => seen.has(code));
  for (let batch = 0; batch < BATCHES_MAX && !isEnough(); batch++) {
    await fc.assert(
      fc.asyncProperty(fc.array(command, COMMANDS), async (all) => {
        const world = await newWorld();
        for (const one of all) await step(world, one, seen);
        await compareSums(world);
      }),
      { numRuns: RUNS },
    );
  }
  expect(await isBalanced(ledger)).toBe(true);
  expect([...seen]).toEqual(expect.arrayContaining(REACHED));
});

/** Three merchants with some money and somebody in debt. */
async function newWorld(): Promise<World> {
  const capital = await capitalOf(ledger);
  const owned = await Promise.all(
    ([220, 220, 220, 920] as const).map(async (code) => ({
      code,
      account: await openAccount(ledger, { code }),
    })),
  );
  const accounts = [...owned, { code: 310 as const, account: capital }];
  const world = { accounts, capital, model: new Model(accounts), sent: [] };
  for (const { account, code } of owned) {
    const [debit, credit] = code === 220 ? [capital, account] : [account, capital];
    const body = payment(debit, credit, 150, { code: "demo-money" });
    await ledger.as().postTransfer({ body });
    expect(world.model.send(body)).toBe("none");
  }
  return world;
}

async function step(world: World, given: Command, seen: Set<string>): Promise<void> {
  const { model, sent } = world;
  if (given.type === "expire") {
    const hold = pick(
      sent.filter((one) => one.timeoutSeconds !== undefined),
      given.index,
    );
    if (hold === undefined || !(await wasMade(hold.transfer))) return;
    await letExpire(ledger, hold.transfer);
    model.expire(hold.transfer);
    return;
  }
  if (given.type === "burn") {
    const transferId = pick(sent, given.index * 2)?.transfer ?? newId("trf");
    const code = pick(sent, given.index * 2)?.code ?? "payment";
    const call = ledger.as().burnTransfer({ params: { transferId }, body: { code } });
    if ((await codeOf(call)) === "none") {
      expect((await call).burned).toBe(model.burn(transferId));
    }
    return;
  }
  const body = bodyOf(world, given);
  if (body === undefined) return;
  if (given.type !== "alter" && given.type !== "repeat") sent.push(body);
  const expected = model.send(body);
  const answered = await codeOf(ledger.as().postTransfer({ body }));
  expect(`${JSON.stringify(body)} ${answered}`).toBe(`${JSON.stringify(body)} ${expected}`);
  seen.add(answered);
}

function bodyOf(
  { accounts, capital, sent }: World,
  given: Exclude<Command, { readonly type: "expire" | "burn" }>,
): TransferBody | undefined {
  switch (given.type) {
    case "give": {
      const to = pick(accounts.slice(0, 3), given.index);
      return payment(capital, to?.account ?? "", given.amount, { code: "demo-money" });
    }
    case "move": {
      // Every tenth move goes between any two accounts, the rest between merchants.
      const among = given.from % 10 === 0 ? accounts : accounts.slice(0, 3);
      const debit = pick(among, given.from);
      const credit = pick(
        among.filter((one) => one !== debit),
        given.to,
      );
      const isBetweenMerchants = debit?.code === 220 && credit?.code === 220;
      return payment(debit?.account ?? "", credit?.account ?? "", given.amount, {
        kind: given.kind,
        code: isBetweenMerchants ? "payment" : "demo-money",
        ...(given.kind === "hold" && given.timed ? { timeoutSeconds: 3_600 } : {}),
      });
    }
    case "end": {
      const hold = pick(
        sent.filter((one) => one.kind === "hold"),
        given.index,
      );
      if (hold === undefined) return undefined;
      const change = given.amount === undefined ? {} : { amount: String(given.amount) };
      return ending(given.kind, hold.transfer, { code: hold.code, ...change });
    }
    case "repeat":
      return pick(sent, given.index);
    case "alter": {
      const body = pick(sent, given.index);
      return body === undefined ? undefined : altered(body, given.field);
    }
    default:
      throw new Error("Every command has a body.");
  }
}

function altered(body: TransferBody, field: string): TransferBody {
  const { timeoutSeconds, ...rest } = body;
  const kinds = {
    post: "hold",
    hold: "post",
    "post-hold": "void-hold",
    "void-hold": "post-hold",
  } as const;
  switch (field) {
    case "kind":
      return { ...rest, kind: kinds[body.kind] };
    case "amount":
      return { ...body, amount: String(BigInt(body.amount ?? "0") + 1n) };
    case "reference":
      return { ...body, reference: "pay_other" };
    case "asset":
      return { ...body, asset: "USD" };
    default:
      return { ...body, code: "other-code", ...(timeoutSeconds && { timeoutSeconds }) };
  }
}

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[at % Math.max(1, from.length)];
}

async function wasMade(hold: string): Promise<boolean> {
  const found = await ledger.admin.query("select 1 from transfers where id = $1", [
    idToUuid("trf", hold),
  ]);
  return found.rowCount === 1;
}

async function compareSums({ accounts, model }: World): Promise<void> {
  for (const { account, code } of accounts) {
    // Capital is shared by all sequences; the trial balance covers it.
    if (code === 310) continue;
    const found = await ledger.as().account({ params: { accountId: account } });
    expect({
      debitsPosted: BigInt(found.debitsPosted),
      creditsPosted: BigInt(found.creditsPosted),
      debitsPending: BigInt(found.debitsPending),
      creditsPending: BigInt(found.creditsPending),
    }).toEqual(model.sums(account));
  }
}
