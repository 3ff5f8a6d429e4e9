/**
 * The machines and the few decisions of a driver that a planted bug may replace. The sound ones are
 * the real machines, and what the real driver's SQL says.
 */
import { claimRow, mayWrite, renewRow, stepLease, stepSaga } from "@tideway/saga";
import type { LeaseRow } from "@tideway/saga";
import type { SimProcess } from "../../kernel/process.ts";
import type { Statement } from "../../model/database.ts";

export interface SagaParts {
  readonly stepSaga: typeof stepSaga;
  readonly stepLease: typeof stepLease;
  readonly claimRow: typeof claimRow;
  readonly renewRow: typeof renewRow;
  readonly mayWrite: (row: LeaseRow, fence: number) => boolean;
  /** By whose clock leases are given. */
  readonly leaseClockMs: (view: Statement, process: SimProcess) => number;
  /** What the poller does after an error of the database: looks again, or is silent for ever. */
  readonly afterPollError: "again" | "never";
}

export const SAGA_PARTS: SagaParts = {
  stepSaga,
  stepLease,
  claimRow,
  renewRow,
  mayWrite,
  leaseClockMs: (view) => view.nowMs,
  afterPollError: "again",
};
