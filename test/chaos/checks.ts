/** The checkers over what the databases of a healed and quiet installation say. */
import { checkBank, checkLeases, checkOrder, checkSagas, checkSet } from "../invariants/index.ts";
import type { Applied, LeaseAct, SagaHistory, Violation } from "../invariants/index.ts";
import type { Installation } from "../system/harness.ts";
import { readBooks } from "../system/money-books.ts";
import type { Books } from "../system/money-books.ts";
import { isPaid } from "../system/money-traffic.ts";
import type { Order } from "../system/money-traffic.ts";
import * as read from "./read-state.ts";
import type { LoggedRow, SagaInRows } from "./read-state.ts";

export interface Checked {
  readonly violations: readonly Violation[];
  readonly payments: { readonly paid: number; readonly failed: number };
  readonly events: {
    readonly logged: number;
    /** Events applied, by consuming service. */
    readonly applied: Readonly<Record<string, number>>;
  };
  readonly sagas: readonly SagaInRows[];
}

/** Deliveries may last so long, and an inbox's times are those of their transactions' beginnings. */
const ORDER_SLACK_MS = 30_000;
const TRANSFER_POSTED = "ledger.transfer.posted.v1";

export async function checkAll(
  tideway: Installation,
  orders: readonly Order[],
  leases: readonly LeaseAct[],
): Promise<Checked> {
  const books = await readBooks(tideway);
  const log = await read.readLog(tideway);
  const services = read.servicesOf(tideway);
  const sagas: SagaInRows[] = [];
  for (const service of services) sagas.push(...(await read.readSagas(tideway, service)));
  const consumed = await checkConsumers(tideway, log);
  const violations = [
    ...(await checkMoney(tideway)),
    ...checkPayments(books, orders),
    ...(await checkOutboxes(tideway, services)),
    ...(await checkTransfersTold(tideway, log)),
    ...checkOrder(logOrder(log)),
    ...consumed.violations,
    ...checkSagas(sagas.map(historyOf)),
    ...checkLeases(leases),
  ];
  const inState = (state: string) => books.payments.filter((row) => row.state === state).length;
  return {
    violations,
    payments: { paid: inState("paid"), failed: inState("failed") },
    events: { logged: log.length, applied: consumed.applied },
    sagas,
  };
}

async function checkMoney(tideway: Installation): Promise<Violation[]> {
  const rows = await read.readAccounts(tideway);
  const accounts = rows.map(({ account, asset, balance, limited, side }) => {
    const floor = limited && side === "credit" ? 0n : null;
    return { account, asset, balance, floor };
  });
  return checkBank({ accounts, holdsOpen: await read.readOpenHolds(tideway) });
}

/** What was acknowledged moved once, as it was meant; what is in the rows and the ledger agrees. */
function checkPayments(books: Books, orders: readonly Order[]): Violation[] {
  const movements = books.movements.map(({ payment }) => payment);
  const paid = books.payments.filter(({ state }) => state === "paid");
  const both = checkSet({
    expected: paid.map(({ payment }) => payment),
    places: new Map([["the ledger", movements]]),
  });
  const moved = new Map(books.movements.map((one) => [one.payment, one]));
  const wrong = orders.flatMap((order): string[] => {
    const ids = new Set(order.told.filter(isPaid).map(({ payment }) => payment));
    const isRefused = order.told.some((one) => one.kind === "failed" && !one.retryable);
    const known = books.paymentOfKey.get(order.key) ?? "";
    if (ids.size === 0)
      return isRefused && moved.has(known) ? [`${known} was refused and paid`] : [];
    if (ids.size > 1) return [`the order ${order.key} was paid ${ids.size} times`];
    const [id = ""] = ids;
    const one = moved.get(id);
    const isMeant =
      one?.amount === order.amount && one.payer === order.payer && one.payee === order.payee;
    return isMeant && known === id ? [] : [`${id} was acknowledged and is not in the ledger so`];
  });
  const pending = books.payments.filter(({ state }) => state !== "paid" && state !== "failed");
  const unfinished = pending.map(({ payment, state }) => `${payment} is still ${state}`);
  return [
    ...both,
    ...[...wrong, ...unfinished].map((what): Violation => ({ checker: "set", what })),
  ];
}

async function checkOutboxes(
  tideway: Installation,
  services: readonly string[],
): Promise<Violation[]> {
  const left: Violation[] = [];
  for (const service of services) {
    const rows = await read.readOutbox(tideway, service);
    if (rows.length === 0) continue;
    left.push({
      checker: "set",
      what: `${rows.length} events of ${service} never left its outbox`,
    });
  }
  return left;
}

/** Each transfer has one event, and no event tells of a transfer that is not there. */
async function checkTransfersTold(
  tideway: Installation,
  log: readonly LoggedRow[],
): Promise<Violation[]> {
  const told = log
    .filter(({ type }) => type === TRANSFER_POSTED)
    // The ledger's own schema names the transfer.
    .map(({ data }) => (JSON.parse(data) as { readonly transfer: string }).transfer);
  if (told.length === 0) return [];
  const expected = await read.readTransfers(tideway);
  return checkSet({ expected, places: new Map([["the log", told]]) });
}

/** Within a key, the log has the ledger's transfers in the order of the account's own times. */
function logOrder(log: readonly LoggedRow[]): Applied[] {
  return log.flatMap(({ type, key, data }) => {
    if (type !== TRANSFER_POSTED) return [];
    // The ledger's own schema names the moment.
    const { at } = JSON.parse(data) as { readonly at: string };
    return [{ place: "the log", key, position: Number(BigInt(Date.parse(at))) }];
  });
}

async function checkConsumers(tideway: Installation, log: readonly LoggedRow[]) {
  const applied: Record<string, number> = {};
  const violations: Violation[] = [];
  for (const { service, consumes } of read.consumersOf(tideway)) {
    if (consumes.length === 0) continue;
    const meant = log.filter(({ type }) => consumes.includes(type));
    const inbox = await read.readInbox(tideway, service);
    applied[service] = inbox.length;
    const place = `the inbox of ${service}`;
    violations.push(
      ...checkSet({
        expected: meant.map(({ event }) => event),
        places: new Map([[place, inbox.map(({ event }) => event)]]),
      }),
    );
    violations.push(
      ...overtaken(place, meant, new Map(inbox.map((row) => [row.event, row.receivedMs]))),
    );
  }
  const lanes = await read.readLanes(tideway);
  const stuck = lanes.map(({ group, lane }): Violation => {
    return { checker: "set", what: `${group}: the key ${lane} is still in trouble` };
  });
  return { applied, violations: [...violations, ...stuck] };
}

function overtaken(
  place: string,
  meant: readonly LoggedRow[],
  received: ReadonlyMap<string, number>,
): Violation[] {
  const last = new Map<string, number>();
  const wrong: Violation[] = [];
  for (const { event, key } of meant) {
    const atMs = received.get(event);
    if (atMs === undefined) continue;
    const before = last.get(key) ?? 0;
    if (atMs + ORDER_SLACK_MS < before) {
      wrong.push({ checker: "order", what: `${place}: ${event} of ${key} came too early` });
    }
    last.set(key, Math.max(before, atMs));
  }
  return wrong;
}

/** Rows tell what became of each step, not when: the undos are taken to be in reverse. */
function historyOf({ saga, state, steps }: SagaInRows): SagaHistory {
  const acting = steps.filter(({ kind }) => kind !== "timer" && kind !== "signal");
  const done = acting.filter((step) => step.state === "done" || step.state === "undone");
  const undone = done.filter((step) => step.state === "undone").toReversed();
  return {
    saga,
    state,
    steps: acting.filter((step) => step.state !== "no-undo").map(({ step }) => step),
    happened: [
      ...done.map(({ step }) => ({ step, act: "done" as const })),
      ...undone.map(({ step }) => ({ step, act: "undone" as const })),
    ],
    pivot: acting.find(({ kind }) => kind === "pivot")?.step ?? null,
  };
}
