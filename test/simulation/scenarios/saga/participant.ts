/**
 * A service that takes part in sagas, as the ledger does: each operation has a key, is done at most
 * once under it, and answers the same ever after. Undoing an operation that never came burns its
 * key, so that it cannot come later. Money lies in three accounts: what a payer has, what holds
 * have reserved of it, and what the payee got.
 */
import { isDatabaseError } from "../../model/database.ts";
import type { Database, Statement } from "../../model/database.ts";
import { atCommit, createTable } from "../../model/table.ts";
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

export interface ParticipantOptions {
  readonly name: string;
  readonly process: SimProcess;
  readonly database: Database;
  /** True for a saga's step that this participant refuses for good. */
  readonly refuses: (operation: Operation) => boolean;
  /** Told at the commit of each effect. */
  readonly tell: (saga: string, act: SagaAct) => void;
}

type Account = "payer" | "reserved" | "payee";

export class Participant implements Server<Operation, Reply> {
  readonly name: string;
  readonly process: SimProcess;
  readonly #options: ParticipantOptions;
  readonly #accounts = createTable<number>("accounts");
  readonly #operations = createTable<Kept>("operations");

  constructor(options: ParticipantOptions) {
    this.name = options.name;
    this.process = options.process;
    this.#options = options;
  }

  *answer(operation: Operation, reply: (answer: Reply) => void): Task<void> {
    const locks = [...new Set([operation.of ?? operation.key, operation.key])].sort();
    try {
      const answer = yield* this.#options.database.transaction(this.process, (t) =>
        t.statement([...locks, "accounts"], (view) => this.#apply(view, operation)),
      );
      reply(answer);
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      reply({ kind: "unavailable" });
    }
  }

  /** Balances in minor units: they must sum to zero at all times. */
  balances(): ReadonlyMap<string, number> {
    return this.#accounts.rows;
  }

  holdsOpen(): readonly string[] {
    const all = [...this.#operations.rows.values()];
    return all.filter(({ state }) => state === "held").map(({ key }) => key);
  }

  #apply(view: Statement, operation: Operation): Reply {
    if (operation.act === "undo") return this.#undo(view, operation);
    if (operation.act === "look") return this.#look(view, operation);
    const before = this.#operations.get(view, operation.key);
    if (before !== undefined) return repeat(before);
    if (this.#options.refuses(operation)) {
      this.#keep(view, operation, "refused");
      return { kind: "refused", code: "NOT_WANTED" };
    }
    if (operation.act === "post") return this.#post(view, operation);
    const isHold = operation.act === "hold";
    this.#move(view, "payer", isHold ? "reserved" : "payee", operation.amount);
    this.#keep(view, operation, isHold ? "held" : "paid");
    this.#tell(view, operation, "done");
    return { kind: "done" };
  }

  #post(view: Statement, operation: Operation): Reply {
    const hold = this.#operations.get(view, operation.of ?? "");
    if (hold?.state !== "held") return { kind: "refused", code: "HOLD_NOT_OPEN" };
    this.#operations.put(view, hold.key, { ...hold, state: "posted" });
    this.#keep(view, operation, "paid");
    this.#move(view, "reserved", "payee", hold.amount);
    this.#tell(view, operation, "done");
    return { kind: "done" };
  }

  #undo(view: Statement, operation: Operation): Reply {
    const target = this.#operations.get(view, operation.of ?? "");
    if (target === undefined || target.state === "refused") {
      this.#burn(view, operation);
      return { kind: "done" };
    }
    if (target.state === "burned" || target.state === "undone") return { kind: "done" };
    if (target.state === "posted") return { kind: "refused", code: "HOLD_POSTED" };
    this.#move(view, target.state === "held" ? "reserved" : "payee", "payer", target.amount);
    this.#operations.put(view, target.key, { ...target, state: "undone" });
    this.#tell(view, operation, "undone");
    return { kind: "done" };
  }

  #look(view: Statement, operation: Operation): Reply {
    const target = this.#operations.get(view, operation.of ?? "");
    if (target !== undefined) return repeat(target);
    if (!operation.burns) return { kind: "unavailable" };
    this.#burn(view, operation);
    return { kind: "refused", code: "BURNED" };
  }

  #burn(view: Statement, operation: Operation): void {
    this.#keep(view, { ...operation, key: operation.of ?? "" }, "burned");
  }

  #keep(view: Statement, operation: Operation, state: Kept["state"]): void {
    const { key, saga, step, act, amount } = operation;
    this.#operations.put(view, key, { key, saga, step, act, amount, state });
  }

  #move(view: Statement, from: Account, to: Account, amount: number): void {
    this.#accounts.put(view, from, (this.#accounts.get(view, from) ?? 0) - amount);
    this.#accounts.put(view, to, (this.#accounts.get(view, to) ?? 0) + amount);
  }

  #tell(view: Statement, { saga, step }: Operation, act: SagaAct["act"]): void {
    atCommit(view, () => this.#options.tell(saga, { step, act }));
  }
}

function repeat(before: Kept): Reply {
  const isDone = before.state === "held" || before.state === "posted" || before.state === "paid";
  return isDone ? { kind: "done" } : { kind: "refused", code: `IS_${before.state.toUpperCase()}` };
}
