import { ledgerApi } from "@tideway/api-ledger";
import { createPublisher } from "@tideway/events";
import type { BuiltService, ServiceParts } from "@tideway/http";
import { CHECK_PAUSE_MS, CHECK_PAUSE_PER_RUN, checkBooks } from "./background/check-books.ts";
import { repeat } from "./background/repeat.ts";
import type { Repeated } from "./background/repeat.ts";
import { SWEEP_PAUSE_MS, sweepHolds } from "./background/sweep-holds.ts";
import { handlersOf } from "./http/handlers.ts";
import { createMeasures } from "./measures.ts";
import { openHouseAccounts } from "./store/house-accounts.ts";

/** The ledger from its parts: routes, the house's accounts at start, sweeper and checker. */
export function buildLedger(parts: ServiceParts): BuiltService<typeof ledgerApi> {
  const { pool, logger, clock } = parts;
  const measures = createMeasures(parts.metrics);
  const publish = createPublisher(ledgerApi, { pool, logger, metrics: parts.metrics });
  const background: Repeated[] = [];
  return {
    handlers: handlersOf({ pool, publish, measures }),
    start: async () => {
      await openHouseAccounts(pool);
      const sweep = async (): Promise<void> => void (await sweepHolds(pool, measures));
      const check = (): Promise<void> => checkBooks({ pool, measures, logger, clock });
      background.push(
        repeat({ name: "ledger.sweep", pauseMs: SWEEP_PAUSE_MS, logger, run: sweep }),
        repeat({
          name: "ledger.check",
          pauseMs: CHECK_PAUSE_MS,
          pausePerRun: CHECK_PAUSE_PER_RUN,
          logger,
          run: check,
        }),
      );
    },
    stop: async () => {
      await Promise.all(background.map((work) => work.stop()));
    },
  };
}
