/** The twelve planted bugs, in the order of the table. */
import { acknowledgeBeforeCommit } from "./acknowledge-before-commit.ts";
import { compensationInForwardOrder } from "./compensation-in-forward-order.ts";
import { cursorBySequence } from "./cursor-by-sequence.ts";
import { deletedBeforeTheLog } from "./deleted-before-the-log.ts";
import { duplicatesOutsideTheTransaction } from "./duplicates-outside-the-transaction.ts";
import { holdVoidedAfterItsPivot } from "./hold-voided-after-its-pivot.ts";
import { keyChangesRevisionInFlight } from "./key-changes-revision-in-flight.ts";
import { leaseByTheLocalClock } from "./lease-by-the-local-clock.ts";
import type { Mutant } from "./mutant.ts";
import { noFence } from "./no-fence.ts";
import { outageTakenForPoison } from "./outage-taken-for-poison.ts";
import { retryUnderANewId } from "./retry-under-a-new-id.ts";
import { swallowedRecoveryError } from "./swallowed-recovery-error.ts";

export const MUTANTS: readonly Mutant[] = [
  acknowledgeBeforeCommit,
  cursorBySequence,
  noFence,
  compensationInForwardOrder,
  duplicatesOutsideTheTransaction,
  leaseByTheLocalClock,
  swallowedRecoveryError,
  retryUnderANewId,
  holdVoidedAfterItsPivot,
  deletedBeforeTheLog,
  keyChangesRevisionInFlight,
  outageTakenForPoison,
];
