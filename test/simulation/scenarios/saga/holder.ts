/** The lease on one saga: its machine, and the statements that the machine and the worker ask for. */
import { isOver } from "@tideway/saga";
import type { LeaseRow, LeaseState, SagaState } from "@tideway/saga";
import { pause } from "../../kernel/process.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import { isDatabaseError } from "../../model/database.ts";
import type { Statement } from "../../model/database.ts";
import { atCommit } from "../../model/table.ts";
import type { SagaHouse, SagaRow } from "./house.ts";

const TICK_MS = 250;

export interface Holder {
  claim(): Task<SagaRow | null>;
  renew(): Task<void>;
  write(view: Statement, state: SagaState, release: boolean): boolean;
  state(): LeaseState;
  end(): void;
}

/** The lease's machine with the statements that it asks for. */
export function createHolder(house: SagaHouse, process: SimProcess, saga: string): Holder {
  const { database, rows, parts, world } = house;
  const owner = `${process.name}.${process.incarnation()}`;
  let lease: LeaseState = { kind: "free" };
  /** Of the claim; a holder that lost its lease writes with it all the same, and is refused. */
  let fence = -1;
  let hasEnded = false;
  const input = (one: Parameters<typeof parts.stepLease>[1]) => {
    const stepped = parts.stepLease(lease, one);
    lease = stepped.state;
    return stepped.effects;
  };
  const tellTaken = (view: Statement, after: LeaseRow): void => {
    const atMs = view.nowMs;
    const untilMs = atMs + (after.dueAtMs ?? 0) - parts.leaseClockMs(view, process);
    const act = {
      kind: "taken",
      resource: saga,
      owner,
      fence: after.fence,
      atMs,
      untilMs,
    } as const;
    atCommit(view, () => house.tellLease(act));
  };
  const renewed = (view: Statement, asked: number): boolean => {
    const before = rows.get(view, saga);
    // Given back already: there is nothing to renew, as the real statement says too.
    if (before === undefined || before.lease.owner !== owner) return false;
    const after = parts.renewRow(before.lease, asked, parts.leaseClockMs(view, process));
    if (after === null) return false;
    rows.put(view, saga, { ...before, lease: after });
    tellTaken(view, after);
    return true;
  };
  return {
    state: () => lease,
    end: () => {
      hasEnded = true;
    },
    *claim() {
      input({ kind: "claim", nowMs: process.localMs() });
      try {
        const row = yield* database.transaction(process, (t) =>
          t.statement([saga], (view) => {
            const before = rows.get(view, saga);
            if (before === undefined) return null;
            const clockMs = parts.leaseClockMs(view, process);
            const after = parts.claimRow(before.lease, owner, clockMs);
            if (after === null) return null;
            const claimed = { ...before, lease: after };
            rows.put(view, saga, claimed);
            tellTaken(view, after);
            return claimed;
          }),
        );
        fence = row?.lease.fence ?? fence;
        input(row === null ? { kind: "refused" } : { kind: "claimed", fence });
        return row;
      } catch (error) {
        if (!isDatabaseError(error)) throw error;
        input({ kind: "unknown" });
        return null;
      }
    },
    *renew() {
      for (;;) {
        yield* pause(world, TICK_MS);
        if (hasEnded) return;
        for (const effect of input({ kind: "tick", nowMs: process.localMs() })) {
          if (effect.kind !== "renew") continue;
          try {
            const isOurs = yield* database.transaction(process, (t) =>
              t.statement([saga], (view) => renewed(view, effect.fence)),
            );
            input(isOurs ? { kind: "renewed" } : { kind: "fenced" });
          } catch (error) {
            if (!isDatabaseError(error)) throw error;
            input({ kind: "unknown" });
          }
        }
      }
    },
    write: (view, state, release) => {
      const before = rows.get(view, saga);
      if (before === undefined || !parts.mayWrite(before.lease, fence)) return false;
      rows.put(view, saga, {
        ...before,
        state: stored(state),
        lease: leaseAfter(before, state, release, parts.leaseClockMs(view, process)),
      });
      atCommit(view, () => {
        house.tellLease({ kind: "written", resource: saga, fence });
        if (release) house.tellLease({ kind: "released", resource: saga, fence });
      });
      return true;
    },
  };
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
