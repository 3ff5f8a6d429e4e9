/** What begins rollouts: a deploy, and a return to a kept revision. */
import { adminErrors } from "@tideway/api-admin";
import { newId } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { START_SECONDS_MAX, startRollout } from "@tideway/rollout";
import { sqlState, tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { MetricHistory } from "./metric-history.ts";
import type { Provisioning } from "./provisioning.ts";
import { findRevision, findRollbackTarget, findService } from "./store/revisions.ts";
import type { RevisionRow } from "./store/revisions.ts";
import { insertDecisions, insertRollout } from "./store/rollouts.ts";
import { toRevision } from "./world.ts";

export interface RolloutStarter {
  /** Releases a revision by its service's policy. Answers the rollout's id. */
  release(revision: string, by: string): Promise<string>;
  /** Returns to a kept revision, or to the one before, as soon as it is ready. */
  rollBack(service: string, revision: string | null, by: string): Promise<string>;
}

export interface RolloutStarterOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly home: string;
  readonly provisioning: Provisioning;
  readonly history: MetricHistory;
  readonly wake: () => void;
}

/** How far back the rate before a rollout is measured. */
const RATE_BEFORE_SECONDS = 300;

export function createRolloutStarter(options: RolloutStarterOptions): RolloutStarter {
  const { pool, clock, history } = options;

  const begin = async (
    row: RevisionRow,
    strategy: "judged" | "immediate",
    by: string,
  ): Promise<string> => {
    const service = await findService(pool, row.service);
    const from = service?.stable ?? null;
    if (from === row.revision) {
      throw adminErrors.error("REVISION_IS_STABLE", { given: { revision: row.revision } });
    }
    await options.provisioning.prepare(toRevision(options.home, row));
    const nowMs = clock.now();
    const { state, decisions } = startRollout(
      {
        service: row.service,
        from,
        to: row.revision,
        strategy,
        policy: row.manifest.rollout,
        rateBefore: history.badPeopleRate(row.service, RATE_BEFORE_SECONDS, nowMs),
        startSecondsMax: START_SECONDS_MAX,
        startedBy: by,
      },
      nowMs,
    );
    const rollout = newId("rol", nowMs);
    try {
      await tx(pool, async (t) => {
        await insertRollout(t, {
          rollout,
          service: row.service,
          from,
          to: row.revision,
          state,
          phase: state.name,
          startedBy: by,
        });
        const rows = decisions.map((one) => ({ ...one, at: new Date(one.atMs) }));
        await insertDecisions(t, rollout, rows);
      });
    } catch (error) {
      // The unique index lets one rollout a service run.
      if (sqlState(error) !== "23505") throw error;
      throw adminErrors.error("ROLLOUT_RUNNING", {
        given: { service: row.service, rollout: "see tideway get rollout" },
        cause: error,
      });
    }
    options.wake();
    return rollout;
  };

  return {
    release: async (revision, by) => begin(await known(pool, revision), "judged", by),
    rollBack: async (service, revision, by) => {
      const target = revision ?? (await findRollbackTarget(pool, service));
      if (target === null) {
        throw adminErrors.error("ROLLBACK_TARGET_MISSING", { given: { service } });
      }
      const row = await known(pool, target);
      if (row.service !== service) {
        throw adminErrors.error("REVISION_UNKNOWN", { given: { revision: target, service } });
      }
      return begin(row, "immediate", by);
    },
  };
}

async function known(pool: Pool, revision: string): Promise<RevisionRow> {
  const row = await findRevision(pool, revision);
  if (row !== null) return row;
  const service = revision.replace(/-\d+$/, "");
  throw adminErrors.error("REVISION_UNKNOWN", { given: { revision, service } });
}
