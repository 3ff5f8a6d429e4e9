/** What begins rollouts: a deploy, and a return to a kept revision. */
import { adminErrors } from "@tideway/api-admin";
import { newId } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { START_SECONDS_MAX, startRollout } from "@tideway/rollout";
import type { Transition } from "@tideway/rollout";
import { sqlState, tx } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import { createGate } from "./compat/gate.ts";
import type { Gate, Ticket } from "./compat/gate.ts";
import type { MetricHistory } from "./metric-history.ts";
import type { Provisioning } from "./provisioning.ts";
import { findRevision, findRollbackTarget, findService } from "./store/revisions.ts";
import type { RevisionRow } from "./store/revisions.ts";
import { findRunning, insertDecisions, insertRollout } from "./store/rollouts.ts";
import { toRevision } from "./world.ts";

export interface RolloutStarter {
  /**
   * Releases a revision by its service's policy, once the gate has let it pass. Answers the rollout's
   * id. Throws API_INCOMPATIBLE, unless `acceptBreaking` gives a reason to let it pass all the same.
   */
  release(revision: string, by: string, options?: ReleaseOptions): Promise<string>;
  /**
   * Returns to the revision before, or to any that is kept, as soon as it is ready. Any other than the
   * one before passes the gate: throws API_INCOMPATIBLE, unless `acceptBreaking` gives a reason.
   */
  rollBack(
    service: string,
    revision: string | null,
    by: string,
    options?: ReleaseOptions,
  ): Promise<string>;
}

export interface ReleaseOptions {
  /** An operator's reason. */
  readonly acceptBreaking?: string | undefined;
}

export interface RolloutStarterOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly home: string;
  readonly provisioning: Provisioning;
  readonly history: MetricHistory;
  readonly wake: () => void;
  /** Left out, one over the same database and home. */
  readonly gate?: Gate;
}

/** How far back the rate before a rollout is measured. */
const RATE_BEFORE_SECONDS = 300;
const UNIQUE_VIOLATION = "23505";

export function createRolloutStarter(options: RolloutStarterOptions): RolloutStarter {
  const { pool, gate = createGate(options) } = options;
  const beginning = new Set<string>();

  /** One at a time for each service: whoever loses must not have migrated anything before. */
  const alone = async (row: RevisionRow, way: Way, by: string): Promise<string> => {
    const { service } = row;
    if (beginning.has(service)) throw runs(service, "one is being prepared");
    beginning.add(service);
    try {
      return await begin({ ...options, gate }, row, way, by);
    } finally {
      beginning.delete(service);
    }
  };

  return {
    release: async (revision, by, { acceptBreaking = null } = {}) =>
      alone(await known(pool, revision), { strategy: "judged", gate: { acceptBreaking } }, by),
    rollBack: async (service, revision, by, { acceptBreaking = null } = {}) => {
      const before = await findRollbackTarget(pool, service);
      const target = revision ?? before;
      if (target === null) {
        throw adminErrors.error("ROLLBACK_TARGET_MISSING", { given: { service } });
      }
      const row = await known(pool, target);
      if (row.service !== service) {
        throw adminErrors.error("REVISION_UNKNOWN", { given: { revision: target, service } });
      }
      return alone(
        row,
        { strategy: "immediate", gate: target === before ? null : { acceptBreaking } },
        by,
      );
    },
  };
}

interface Way {
  readonly strategy: "judged" | "immediate";
  /**
   * Null for the return to the revision before: whoever is live was judged against that one. Nobody
   * was against older ones, or against one that never had traffic.
   */
  readonly gate: { readonly acceptBreaking: string | null } | null;
}

async function begin(
  options: RolloutStarterOptions & { readonly gate: Gate },
  row: RevisionRow,
  way: Way,
  by: string,
): Promise<string> {
  const { pool, clock, history, provisioning, home, gate } = options;
  const { strategy } = way;
  const running = await findRunning(pool, row.service);
  if (running !== null) throw runs(row.service, running);
  const from = (await findService(pool, row.service))?.stable ?? null;
  if (from === row.revision) {
    throw adminErrors.error("REVISION_IS_STABLE", { given: { revision: row.revision } });
  }
  const ticket = way.gate === null ? null : await gate.judge(row, way.gate.acceptBreaking);
  await provisioning.prepare(toRevision(home, row));
  const nowMs = clock.now();
  const begun = startRollout(
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
  await writeDown(pool, rollout, begun, (t) => confirm(gate, t, ticket));
  options.wake();
  return rollout;
}

/** What was live when it was judged may be another now. */
async function confirm(gate: Gate, t: Transaction, ticket: Ticket | null): Promise<void> {
  if (ticket !== null) await gate.confirm(t, ticket);
}

async function writeDown(
  pool: Pool,
  rollout: string,
  { state, decisions }: Transition,
  confirmed: (t: Transaction) => Promise<void>,
): Promise<void> {
  const { service, from, to, startedBy } = state.plan;
  try {
    await tx(pool, async (t) => {
      await confirmed(t);
      await insertRollout(t, { rollout, service, from, to, state, phase: state.name, startedBy });
      const rows = decisions.map((one) => ({ ...one, at: new Date(one.atMs) }));
      await insertDecisions(t, rollout, rows);
    });
  } catch (error) {
    // The unique index lets one rollout a service run, whoever else writes.
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    throw runs(service, (await findRunning(pool, service)) ?? "it has just begun", error);
  }
}

function runs(service: string, rollout: string, cause?: unknown): Error {
  return adminErrors.error("ROLLOUT_RUNNING", { given: { service, rollout }, cause });
}

async function known(pool: Pool, revision: string): Promise<RevisionRow> {
  const row = await findRevision(pool, revision);
  if (row !== null) return row;
  const service = revision.replace(/-\d+$/, "");
  throw adminErrors.error("REVISION_UNKNOWN", { given: { revision, service } });
}
