/** What comes to sagas from outside, at moments that nobody chose. */
import { isOver, stepSaga } from "@tideway/saga";
import type { SimProcess, Task } from "../../kernel/process.ts";
import { isDatabaseError } from "../../model/database.ts";
import { atCommit } from "../../model/table.ts";
import { stored } from "./holder.ts";
import type { SagaHouse, SagaRow } from "./house.ts";

/** Signals, and operators who give up sagas, at moments that nobody chose. */
export function disturb(
  house: SagaHouse,
  workers: readonly SimProcess[],
  sagas: readonly string[],
  untilMs: number,
): void {
  const { world } = house;
  const { random } = world;
  for (const saga of sagas) {
    if (random.chance(0.8)) {
      const act = (row: SagaRow, nowMs: number): SagaRow => signalled(row, nowMs);
      world.after(random.ms(0, untilMs), () => insist(house, random.pick(workers), saga, act));
    }
    if (random.chance(0.3)) {
      const act = (row: SagaRow, nowMs: number): SagaRow | null => givenUp(row, nowMs);
      world.after(random.ms(0, untilMs), () => insist(house, random.pick(workers), saga, act));
    }
  }
}

type Change = (row: SagaRow, nowMs: number) => SagaRow | null;

/** As often as it takes; a request is served by whichever worker is up. */
function insist(house: SagaHouse, process: SimProcess, saga: string, act: Change): void {
  let isDone = false;
  const attempt = (): void => {
    if (isDone) return;
    house.world.after(2_000, attempt);
    if (process.isUp()) process.spawn(change(house, process, saga, act, () => (isDone = true)));
  };
  attempt();
}

function* change(
  { database, rows, tellLease }: SagaHouse,
  process: SimProcess,
  saga: string,
  act: Change,
  done: () => void,
): Task<void> {
  try {
    const isThere = yield* database.transaction(process, (t) =>
      t.statement([saga], (view) => {
        const row = rows.get(view, saga);
        const changed = row === undefined ? null : act(row, view.nowMs);
        if (row === undefined || changed === null) return row !== undefined;
        rows.put(view, saga, changed);
        const { fence } = changed.lease;
        if (fence !== row.lease.fence) {
          atCommit(view, () => tellLease({ kind: "broken", resource: saga, fence }));
        }
        return row !== undefined;
      }),
    );
    if (isThere) done();
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
  }
}

function signalled(row: SagaRow, nowMs: number): SagaRow {
  const signals = { ...row.signals, approved: true };
  const isResting = row.lease.owner === null && !isOver(row.state);
  return { ...row, signals, lease: isResting ? { ...row.lease, dueAtMs: nowMs } : row.lease };
}

/** An operator's command takes the saga from whoever runs it: the fence moves on. */
function givenUp(row: SagaRow, nowMs: number): SagaRow | null {
  const problem = { code: "GIVEN_UP", detail: "An operator gave it up." };
  const { state, effects } = stepSaga(row.state, { kind: "compensate", nowMs, problem });
  if (effects[0]?.kind !== "save") return null;
  const lease = { owner: null, fence: row.lease.fence + 1, dueAtMs: state.dueAtMs };
  return { ...row, state: stored(state), lease };
}
