/**
 * A service that takes part in sagas, as the ledger does: each operation has a key, is done at most
 * once under it, and answers the same ever after. Undoing an operation that never came burns its
 * key, so that it cannot come later. Money lies in three accounts: what a payer has, what holds
 * have reserved of it, and what the payee got.
 */
import { isDatabaseError } from "../../model/database.ts";
import type { Database, Statement } from "../../model/database.ts";
import { atCommit, createTable } from "../../model/table.ts";
import type { Table } from "../../model/table.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import type { Server } from "../../model/network.ts";
import type { SagaAct } from "../../../invariants/index.ts";

/** `hold` reserves and `post` pays what was reserved; `pay` moves at once; `undo` takes back or burns. */
export interface Operation {
  readonly saga: string;
  readonly step: string;
  readonly act: "hold" | "post" | "pay" | "undo" | "look";
  readonly key: string;
  /** For `post` and `undo`: the key of the operation that is meant. */
  readonly of: string | null;
  readonly amount: number;
  /** For `look`: makes sure that what was not done is never done. */
  readonly burns: boolean;
}

export type Reply =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "unavailable" };

interface Kept {
  readonly key: string;
  readonly saga: string;
  readonly step: string;
  readonly act: Operation["act"];
  readonly state: "held" | "posted" | "paid" | "undone" | "burned" | "refused";
  readonly amount: number;
}

export interface Participant extends Server<Operation, Reply> {
  readonly name: string;
  /** Balances in minor units: they must sum to zero at all times. */
  balances(): ReadonlyMap<string, number>;
  holdsOpen(): readonly string[];
}

export interface ParticipantOptions {
  readonly name: string;
  readonly process: SimProcess;
  readonly database: Database;
  /** True for a saga's step that this participant refuses for good. */
  readonly refuses: (operation: Operation) => boolean;
  /** Told at the commit of each effect. */
  readonly tell: (saga: string, act: SagaAct) => void;
}

const ACCOUNTS = ["payer", "reserved", "payee"] as const;
type Account = (typeof ACCOUNTS)[number];

export function createParticipant(options: ParticipantOptions): Participant {
  const { name, process, database } = options;
  const accounts: Table<number> = createTable(`${name} accounts`);
  const operations: Table<Kept> = createTable(`${name} operations`);
  const answer = function* (operation: Operation): Task<Reply> {
    try {
      return yield* database.transaction(process, function* (t) {
        const locks = [...new Set([operation.of ?? operation.key, operation.key])].sort();
        return yield* t.statement([...locks, "accounts"], (view) => apply(view, operation));
      });
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      return { kind: "unavailable" };
    }
  };

  function apply(view: Statement, operation: Operation): Reply {
    if (operation.act === "undo") return undo(view, operation);
    if (operation.act === "look") return look(view, operation);
    const before = operations.get(view, operation.key);
    if (before !== undefined) return repeat(before);
    if (options.refuses(operation)) {
      keep(view, operation, "refused");
      return { kind: "refused", code: "NOT_WANTED" };
    }
    if (operation.act === "post") return post(view, operation);
    const isHold = operation.act === "hold";
    move(view, "payer", isHold ? "reserved" : "payee", operation.amount);
    keep(view, operation, isHold ? "held" : "paid");
    tellOf(view, operation, "done");
    return { kind: "done" };
  }

  function post(view: Statement, operation: Operation): Reply {
    const hold = operations.get(view, operation.of ?? "");
    if (hold?.state !== "held") return { kind: "refused", code: "HOLD_NOT_OPEN" };
    operations.put(view, hold.key, { ...hold, state: "posted" });
    keep(view, operation, "paid");
    move(view, "reserved", "payee", hold.amount);
    tellOf(view, operation, "done");
    return { kind: "done" };
  }

  function undo(view: Statement, operation: Operation): Reply {
    const of = operation.of ?? "";
    const target = operations.get(view, of);
    if (target === undefined || target.state === "refused") {
      operations.put(view, of, { ...operation, key: of, state: "burned" });
      return { kind: "done" };
    }
    if (target.state === "burned" || target.state === "undone") return { kind: "done" };
    if (target.state === "posted") return { kind: "refused", code: "HOLD_POSTED" };
    move(view, target.state === "held" ? "reserved" : "payee", "payer", target.amount);
    operations.put(view, of, { ...target, state: "undone" });
    tellOf(view, operation, "undone");
    return { kind: "done" };
  }

  function look(view: Statement, operation: Operation): Reply {
    const target = operations.get(view, operation.of ?? "");
    if (target !== undefined) return repeat(target);
    if (!operation.burns) return { kind: "unavailable" };
    operations.put(view, operation.of ?? "", {
      ...operation,
      key: operation.of ?? "",
      state: "burned",
    });
    return { kind: "refused", code: "BURNED" };
  }

  function keep(view: Statement, operation: Operation, state: Kept["state"]): void {
    const { key, saga, step, act, amount } = operation;
    operations.put(view, key, { key, saga, step, act, amount, state });
  }

  function move(view: Statement, from: Account, to: Account, amount: number): void {
    accounts.put(view, from, (accounts.get(view, from) ?? 0) - amount);
    accounts.put(view, to, (accounts.get(view, to) ?? 0) + amount);
  }

  function tellOf(view: Statement, operation: Operation, act: SagaAct["act"]): void {
    atCommit(view, () => options.tell(operation.saga, { step: operation.step, act }));
  }

  return {
    name,
    process,
    *answer(operation, reply) {
      reply(yield* answer(operation));
    },
    balances: () => accounts.rows,
    holdsOpen: () =>
      [...operations.rows.values()].filter(({ state }) => state === "held").map(({ key }) => key),
  };
}

function repeat(before: Kept): Reply {
  const isDone = before.state === "held" || before.state === "posted" || before.state === "paid";
  return isDone ? { kind: "done" } : { kind: "refused", code: `IS_${before.state.toUpperCase()}` };
}
