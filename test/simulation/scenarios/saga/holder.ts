/** The lease on one saga: its machine, and the statements that the machine and the worker ask for. */
import { isOver } from "@tideway/saga";
import type { LeaseEffect, LeaseInput, LeaseRow, LeaseState, SagaState } from "@tideway/saga";
import { pause } from "../../kernel/process.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import { isDatabaseError } from "../../model/database.ts";
import type { Statement } from "../../model/database.ts";
import { atCommit } from "../../model/table.ts";
import type { SagaHouse, SagaRow } from "./house.ts";

const TICK_MS = 250;

/** The lease's machine with the statements that it asks for. */
export class Holder {
  readonly #house: SagaHouse;
  readonly #process: SimProcess;
  readonly #saga: string;
  readonly #owner: string;
  #lease: LeaseState = { kind: "free" };
  /** Of the claim; a holder that lost its lease writes with it all the same, and is refused. */
  #fence = -1;
  #hasEnded = false;

  constructor(house: SagaHouse, process: SimProcess, saga: string) {
    this.#house = house;
    this.#process = process;
    this.#saga = saga;
    this.#owner = `${process.name}.${process.incarnation()}`;
  }

  isLost(): boolean {
    return this.#lease.kind === "lost";
  }

  end(): void {
    this.#hasEnded = true;
  }

  /** The row, when it was to be had. */
  *claim(): Task<SagaRow | null> {
    this.#input({ kind: "claim", nowMs: this.#process.localMs() });
    try {
      const row = yield* this.#house.database.transaction(this.#process, (t) =>
        t.statement([this.#saga], (view) => this.#claimed(view)),
      );
      this.#fence = row?.lease.fence ?? this.#fence;
      this.#input(row === null ? { kind: "refused" } : { kind: "claimed", fence: this.#fence });
      return row;
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      this.#input({ kind: "unknown" });
      return null;
    }
  }

  /** Renews the lease beside the work until that has ended. */
  *renew(): Task<void> {
    for (;;) {
      yield* pause(this.#house.world, TICK_MS);
      if (this.#hasEnded) return;
      for (const effect of this.#input({ kind: "tick", nowMs: this.#process.localMs() })) {
        if (effect.kind === "renew") yield* this.#renewOnce(effect.fence);
      }
    }
  }

  /** Writes the state down where the fence is still ours. */
  write(view: Statement, state: SagaState, release: boolean): boolean {
    const { rows, parts, tellLease } = this.#house;
    const [resource, fence] = [this.#saga, this.#fence];
    const before = rows.get(view, resource);
    if (before === undefined || !parts.mayWrite(before.lease, fence)) return false;
    const lease = leaseAfter(before, state, release, this.#clockMs(view));
    rows.put(view, resource, { ...before, state: stored(state), lease });
    atCommit(view, () => {
      tellLease({ kind: "written", resource, fence });
      if (release) tellLease({ kind: "released", resource, fence });
    });
    return true;
  }

  *#renewOnce(fence: number): Task<void> {
    try {
      const isOurs = yield* this.#house.database.transaction(this.#process, (t) =>
        t.statement([this.#saga], (view) => this.#renewed(view, fence)),
      );
      this.#input(isOurs ? { kind: "renewed" } : { kind: "fenced" });
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      this.#input({ kind: "unknown" });
    }
  }

  #claimed(view: Statement): SagaRow | null {
    const { rows, parts } = this.#house;
    const before = rows.get(view, this.#saga);
    if (before === undefined) return null;
    const lease = parts.claimRow(before.lease, this.#owner, this.#clockMs(view));
    if (lease === null) return null;
    const claimed = { ...before, lease };
    rows.put(view, this.#saga, claimed);
    this.#tellTaken(view, lease);
    return claimed;
  }

  #renewed(view: Statement, fence: number): boolean {
    const { rows, parts } = this.#house;
    const before = rows.get(view, this.#saga);
    // Given back already: there is nothing to renew, as the real statement says too.
    if (before === undefined || before.lease.owner !== this.#owner) return false;
    const lease = parts.renewRow(before.lease, fence, this.#clockMs(view));
    if (lease === null) return false;
    rows.put(view, this.#saga, { ...before, lease });
    this.#tellTaken(view, lease);
    return true;
  }

  #tellTaken(view: Statement, { fence, dueAtMs }: LeaseRow): void {
    const atMs = view.nowMs;
    const untilMs = atMs + (dueAtMs ?? 0) - this.#clockMs(view);
    const [resource, owner] = [this.#saga, this.#owner];
    const { tellLease } = this.#house;
    atCommit(view, () => tellLease({ kind: "taken", resource, owner, fence, atMs, untilMs }));
  }

  #clockMs(view: Statement): number {
    return this.#house.parts.leaseClockMs(view, this.#process);
  }

  #input(one: LeaseInput): readonly LeaseEffect[] {
    const stepped = this.#house.parts.stepLease(this.#lease, one);
    this.#lease = stepped.state;
    return stepped.effects;
  }
}

/** Released, the row is due when the state says; at once where a signal came in that it has not seen. */
function leaseAfter(
  before: SagaRow,
  state: SagaState,
  release: boolean,
  clockMs: number,
): LeaseRow {
  if (!release) return before.lease;
  const unseen = Object.keys(before.signals).some((name) => !Object.hasOwn(state.signals, name));
  const dueAtMs = unseen && !isOver(state) ? clockMs : state.dueAtMs;
  return { owner: null, fence: before.lease.fence, dueAtMs };
}

/** What a row keeps of a state. */
export function stored(state: SagaState): SagaState {
  const steps = state.steps.map((record) => ({ ...record, uncertain: false }));
  return {
    ...state,
    steps,
    doing: { kind: "nothing" },
    before: null,
    attended: false,
    signals: {},
  };
}
