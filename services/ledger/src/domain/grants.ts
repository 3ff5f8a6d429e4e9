/**
 * What a caller may do. Default deny: a grant counts only when it names everything that the
 * operation has; a field left out of a grant is never a wildcard.
 */
export interface Grant {
  readonly operation: "open" | "read" | "transfer" | "hold";
  readonly account?: number;
  readonly debit?: number;
  readonly credit?: number;
  readonly code?: string;
}

/** Who asks, as the gateway vouches for it. */
export interface Actor {
  readonly service: string;
  readonly revision: string;
  /** The signed-in person behind the call, or null. */
  readonly person: string | null;
  readonly grants: readonly Grant[];
}

export interface Movement {
  readonly operation: "transfer" | "hold";
  /** Chart codes of the two accounts. */
  readonly debit: number;
  readonly credit: number;
  readonly code: string;
}

export function mayOpen(actor: Actor, account: number): boolean {
  return actor.grants.some((grant) => grant.operation === "open" && grant.account === account);
}

export function mayRead(actor: Actor, account: number): boolean {
  return actor.grants.some((grant) => grant.operation === "read" && grant.account === account);
}

/** Whether it may read anything; asked before an id is looked up, so that strangers learn nothing. */
export function mayReadSomething(actor: Actor): boolean {
  return actor.grants.some((grant) => grant.operation === "read" && grant.account !== undefined);
}

export function mayMove(actor: Actor, movement: Movement): boolean {
  return actor.grants.some(
    (grant) =>
      grant.operation === movement.operation &&
      grant.debit === movement.debit &&
      grant.credit === movement.credit &&
      grant.code === movement.code,
  );
}

/** Whether it may use a transfer code at all; asked before the accounts are looked up. */
export function mayUseCode(
  actor: Actor,
  code: string,
  operations: readonly Movement["operation"][],
): boolean {
  return actor.grants.some((grant) =>
    operations.some((operation) => grant.operation === operation && grant.code === code),
  );
}
