/** What operators do to a saga: try it again now, or give it up. The row is locked meanwhile. */
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { DatabaseClock } from "./clock.ts";
import { sagaErrors } from "./errors.ts";
import { stepSaga } from "./machine/saga.ts";
import type { SagaInput } from "./machine/state.ts";
import { readSaga } from "./store/read.ts";
import type { StoredSaga } from "./store/rows.ts";
import { makeDue, raiseFence } from "./store/upkeep.ts";
import { saveSaga } from "./store/write.ts";

export interface OperateParts {
  readonly pool: Pool;
  readonly clock: DatabaseClock;
}

/** Makes it due now; one that is being tried is left alone. Throws SAGA_NOT_FOUND or SAGA_OVER. */
export async function retrySaga({ pool }: OperateParts, saga: string): Promise<StoredSaga> {
  const stored = found(await readSaga(pool, saga), saga);
  refuse(stepSaga(stored.state, { kind: "retry", nowMs: stored.nowMs }), stored);
  await makeDue(pool, saga);
  return found(await readSaga(pool, saga), saga);
}

/**
 * Gives it up and takes it away from whoever holds it; doing so again changes nothing. Throws
 * SAGA_NOT_FOUND, SAGA_OVER for a completed one, SAGA_PAST_PIVOT.
 */
export async function compensateSaga(
  { pool }: OperateParts,
  saga: string,
  detail: string,
): Promise<StoredSaga> {
  await tx(pool, async (t) => {
    const stored = found(await readSaga(t, saga, "for update"), saga);
    const problem = { code: "SAGA_GIVEN_UP", detail: detail.slice(0, 300) };
    const input: SagaInput = { kind: "compensate", nowMs: stored.nowMs, problem };
    const stepped = stepSaga(stored.state, input);
    refuse(stepped, stored);
    if (stepped.effects.length === 0) return;
    const fence = await raiseFence(t, saga);
    const saved = stored.state.steps;
    await saveSaga(t, { state: stepped.state, saved, fence, release: true });
  });
  return found(await readSaga(pool, saga), saga);
}

function refuse({ effects }: ReturnType<typeof stepSaga>, { state }: StoredSaga): void {
  const [effect] = effects;
  if (effect?.kind !== "refuse") return;
  const step = state.plan.steps[state.at]?.name ?? "";
  const given = { saga: state.saga, state: state.phase, step };
  throw sagaErrors.error(effect.code, { given });
}

export function found(stored: StoredSaga | null, saga: string): StoredSaga {
  if (stored !== null) return stored;
  throw sagaErrors.error("SAGA_NOT_FOUND", { given: { saga } });
}
