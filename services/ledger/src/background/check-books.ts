/** The checker: recomputes the books and raises the alarm when they are wrong. It repairs nothing. */
import type { Clock } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import type { Measures } from "../measures.ts";
import { readTrialBalance } from "../store/trial-balance.ts";

export const CHECK_PAUSE_MS = 60_000;
/** It reads every transfer, so as the books grow it takes at most a twentieth of a connection. */
export const CHECK_PAUSE_PER_RUN = 20;

/** A request's 10 s are over at some ten million transfers, and then nobody would check any more. */
const CHECK_MS_MAX = 600_000;

export interface CheckParts {
  readonly pool: Pool;
  readonly measures: Measures;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** One check: sets the gauges, and logs `ledger.imbalance` as an error for each asset that is wrong. */
export async function checkBooks({ pool, measures, logger, clock }: CheckParts): Promise<void> {
  const balances = await tx(pool, async (t) => {
    await t.query(`set local statement_timeout = ${CHECK_MS_MAX}`);
    return readTrialBalance(t);
  });
  for (const balance of balances) {
    // A gauge is a float; it tells zero from not zero exactly, and the log has every digit.
    measures.imbalance.set({ asset: balance.asset }, Number(balance.imbalance));
    if (balance.imbalance !== 0n) logger.error("ledger.imbalance", { ...balance });
  }
  measures.checkedAt.set(Math.floor(clock.now() / 1_000));
}
