/**
 * The ledger as plain as it can be: a list of facts, and sums made by reading all of it. It shares
 * no code with the service; when the two disagree, one of them is wrong.
 */
import type { TransferBody } from "./harness.ts";

export interface ModelAccount {
  readonly account: string;
  readonly code: 220 | 310 | 920;
}

interface ModelHold {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly reference: string | undefined;
  readonly code: string;
  end: "posted" | "voided" | "expired" | null;
}

interface Fact {
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
}

/** What a body asks for once everything left out is filled in, one spelling for each meaning. */
type Meaning = Readonly<Record<string, string>>;

const ALLOWED = new Set([
  "post 310 220 demo-money",
  "post 310 920 demo-money",
  "post 920 310 demo-money",
  "hold 310 920 demo-money",
  "post 220 220 payment",
  "hold 220 220 payment",
]);

export class Model {
  readonly #accounts: ReadonlyMap<string, ModelAccount>;
  readonly #facts: Fact[] = [];
  readonly #holds = new Map<string, ModelHold>();
  readonly #made = new Map<string, Meaning>();
  readonly #burned = new Set<string>();

  constructor(accounts: readonly ModelAccount[]) {
    this.#accounts = new Map(accounts.map((one) => [one.account, one]));
  }

  /** What the service must answer: an error code, or "none". */
  send(body: TransferBody): string {
    const known = this.#made.get(body.transfer);
    if (known !== undefined) {
      return same(known, this.#meaningOf(body, known)) ? "none" : "TRANSFER_EXISTS_DIFFERENT";
    }
    if (this.#burned.has(body.transfer)) return "TRANSFER_ID_BURNED";
    const code = body.kind === "post" || body.kind === "hold" ? this.#move(body) : this.#end(body);
    if (code === "none") this.#made.set(body.transfer, this.#meaningOf(body, null));
    if (code === "FUNDS_INSUFFICIENT" || code === "CREDIT_LIMIT") this.#burned.add(body.transfer);
    return code;
  }

  /** Answers whether the id is burned now. */
  burn(transfer: string): boolean {
    if (this.#made.has(transfer)) return false;
    this.#burned.add(transfer);
    return true;
  }

  /** The time of a hold runs out. */
  expire(hold: string): void {
    const found = this.#holds.get(hold);
    if (found?.end === null) found.end = "expired";
  }

  sums(account: string) {
    const open = [...this.#holds.values()].filter((hold) => hold.end === null);
    const total = (facts: readonly Fact[], side: "debit" | "credit"): bigint =>
      facts.reduce((sum, fact) => (fact[side] === account ? sum + fact.amount : sum), 0n);
    return {
      debitsPosted: total(this.#facts, "debit"),
      creditsPosted: total(this.#facts, "credit"),
      debitsPending: total(open, "debit"),
      creditsPending: total(open, "credit"),
    };
  }

  get transfers(): number {
    return this.#made.size;
  }

  #move(body: TransferBody): string {
    const debit = this.#accounts.get(body.debit ?? "");
    const credit = this.#accounts.get(body.credit ?? "");
    if (debit === undefined || credit === undefined) throw new Error("The model knows them all.");
    if (!ALLOWED.has(`${body.kind} ${debit.code} ${credit.code} ${body.code}`)) {
      return "GRANT_MISSING";
    }
    if (body.asset !== "EUR") return "ASSET_MISMATCH";
    const amount = BigInt(body.amount ?? "");
    const from = this.sums(debit.account);
    const to = this.sums(credit.account);
    if (
      debit.code === 220 &&
      from.debitsPosted + from.debitsPending + amount > from.creditsPosted
    ) {
      return "FUNDS_INSUFFICIENT";
    }
    if (credit.code === 920 && to.creditsPosted + to.creditsPending + amount > to.debitsPosted) {
      return "CREDIT_LIMIT";
    }
    const fact = { debit: debit.account, credit: credit.account, amount };
    if (body.kind === "post") this.#facts.push(fact);
    else {
      const { transfer: id, reference, code } = body;
      this.#holds.set(id, { ...fact, id, reference, code, end: null });
    }
    return "none";
  }

  #end(body: TransferBody): string {
    const hold = this.#holds.get(body.pending ?? "");
    if (hold === undefined) return "PENDING_NOT_FOUND";
    if (body.code !== hold.code || body.asset !== "EUR") return "PENDING_DIFFERENT";
    const amount = body.amount === undefined ? hold.amount : BigInt(body.amount);
    if (amount > hold.amount) return "PENDING_AMOUNT_EXCEEDED";
    if (body.kind === "void-hold" && amount !== hold.amount) return "PENDING_DIFFERENT";
    switch (hold.end) {
      case "posted":
        return "PENDING_ALREADY_POSTED";
      case "voided":
        return "PENDING_ALREADY_VOIDED";
      case "expired":
        return "PENDING_EXPIRED";
      case null:
        hold.end = body.kind === "post-hold" ? "posted" : "voided";
    }
    if (hold.end === "posted") this.#facts.push({ ...hold, amount });
    return "none";
  }

  /** `known` is the transfer that has this id; what its hold was fills in what is left out. */
  #meaningOf(body: TransferBody, known: Meaning | null): Meaning {
    const ended = this.#holds.get(known?.["pending"] ?? body.pending ?? "");
    const isEnd = body.kind === "post-hold" || body.kind === "void-hold";
    const from = isEnd ? ended : undefined;
    return {
      kind: body.kind,
      pending: body.pending ?? "",
      timeout: String(body.timeoutSeconds ?? ""),
      debit: body.debit ?? from?.debit ?? "",
      credit: body.credit ?? from?.credit ?? "",
      amount: body.amount ?? from?.amount.toString() ?? "",
      reference: body.reference ?? from?.reference ?? "",
      asset: body.asset,
      code: body.code,
    };
  }
}

function same(one: Meaning, two: Meaning): boolean {
  return Object.keys(one).every((key) => one[key] === two[key]);
}
