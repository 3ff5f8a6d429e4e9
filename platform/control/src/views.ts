/** What the admin api shows, from the database, the engine and the gateway's measures. */
import { adminErrors } from "@tideway/api-admin";
import type {
  Instance,
  LaneNumbers,
  RevisionSummary,
  Rollout,
  ServiceSummary,
} from "@tideway/api-admin";
import type { Engine, RevisionState } from "@tideway/engine";
import { toTimestamp } from "@tideway/kernel";
import { actionsOf, nextLookAtMs } from "@tideway/rollout";
import type { RolloutState } from "@tideway/rollout";
import type { Pool } from "@tideway/store";
import type { MetricHistory } from "./metric-history.ts";
import { listBad } from "./store/evidence.ts";
import { findService, listRevisions, listServices } from "./store/revisions.ts";
import type { ServiceRow } from "./store/revisions.ts";
import { findRollout, listDecisions, listRollouts, runningRollouts } from "./store/rollouts.ts";
import type { RolloutRow } from "./store/rollouts.ts";
import { wishOf } from "./wish.ts";

export interface ViewContext {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly running: ReadonlyMap<string, RevisionState>;
  readonly asleep: ReadonlySet<string>;
  readonly history: MetricHistory;
  readonly nowMs: () => number;
}

const WINDOW_SECONDS = 60;
const BAD_SHOWN_MAX = 50;

export async function showServices(context: ViewContext): Promise<ServiceSummary[]> {
  const rows = await listServices(context.pool);
  const rollouts = await runningRollouts<RolloutState>(context.pool);
  return Promise.all(
    rows.map((row) =>
      showService(
        context,
        row,
        rollouts.find(({ service }) => service === row.service),
      ),
    ),
  );
}

export async function showServiceByName(
  context: ViewContext,
  service: string,
): Promise<ServiceSummary> {
  const row = await requireService(context.pool, service);
  const rollouts = await runningRollouts<RolloutState>(context.pool);
  return showService(
    context,
    row,
    rollouts.find((one) => one.service === service),
  );
}

/** Throws SERVICE_UNKNOWN. */
export async function requireService(pool: Pool, service: string): Promise<ServiceRow> {
  const row = await findService(pool, service);
  if (row === null) throw adminErrors.error("SERVICE_UNKNOWN", { given: { service } });
  return row;
}

async function showService(
  context: ViewContext,
  row: ServiceRow,
  rollout: RolloutRow<RolloutState> | undefined,
): Promise<ServiceSummary> {
  const wish = rollout === undefined ? null : wishOf(rollout.state);
  const candidate = wish?.candidate ?? null;
  const shown = [row.stable, candidate].filter((id) => id !== null);
  const lanes = await Promise.all(shown.map((id) => showLane(context, row.service, id)));
  const state = row.stable === null ? undefined : context.running.get(row.stable);
  const isReady = state?.instances.some(({ status }) => status === "ready") ?? false;
  const reason = state?.failure?.reason ?? null;
  return {
    service: row.service,
    stable: row.stable,
    candidate,
    weight: wish?.weight ?? 0,
    health: healthOf(isReady, reason, row.stable !== null && context.asleep.has(row.stable)),
    healthReason: isReady ? null : reason,
    lanes,
    rollout: rollout?.rollout ?? null,
  };
}

function healthOf(
  isReady: boolean,
  failure: string | null,
  isAsleep: boolean,
): ServiceSummary["health"] {
  if (isAsleep) return "asleep";
  if (isReady) return "serving";
  return failure === null ? "starting" : "failing";
}

async function showLane(
  context: ViewContext,
  service: string,
  revision: string,
): Promise<LaneNumbers> {
  const state = context.running.get(revision);
  const stats = await context.engine.stats(revision).catch(() => []);
  const memory = new Map(stats.map((one) => [one.instance, one.memoryBytes]));
  const instances = (state?.instances ?? []).map((one): Instance => {
    return {
      instance: one.instance,
      status: one.status,
      pid: one.pid,
      url: one.url,
      startedAt: toTimestamp(one.startedAtMs),
      restarts: one.restarts,
      memoryBytes: memory.get(one.instance) ?? null,
    };
  });
  const numbers = context.history.lane(service, revision, WINDOW_SECONDS, context.nowMs());
  return { revision, ...numbers, instances };
}

export async function showRevisions(
  context: ViewContext,
  service: ServiceSummary,
): Promise<RevisionSummary[]> {
  const rows = await listRevisions(context.pool, service.service);
  return rows.map((row) => ({
    revision: row.revision,
    number: row.number,
    digest: row.digest,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    role: roleOf(row.revision, row.withdrawn_at, service),
  }));
}

function roleOf(
  revision: string,
  withdrawnAt: Date | null,
  service: ServiceSummary,
): RevisionSummary["role"] {
  if (revision === service.stable) return "stable";
  if (revision === service.candidate) return "candidate";
  return withdrawnAt === null ? "kept" : "withdrawn";
}

export async function showPastRollouts(context: ViewContext, service: string) {
  const rows = await listRollouts<RolloutState>(context.pool, service);
  return rows.map((row) => ({
    rollout: row.rollout,
    from: row.from_revision,
    to: row.to_revision,
    state: row.state.name,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    outcome: row.outcome,
  }));
}

export async function showRollout(context: ViewContext, id: string): Promise<Rollout> {
  const row = await findRollout<RolloutState>(context.pool, id);
  if (row === null) throw adminErrors.error("ROLLOUT_UNKNOWN", { given: { rollout: id } });
  return fullRollout(context, row);
}

/** The service's rollout under way, else its last one. */
export async function showLatestRollout(context: ViewContext, service: string): Promise<Rollout> {
  const [row] = await listRollouts<RolloutState>(context.pool, service);
  if (row === undefined) {
    throw adminErrors.error("ROLLOUT_UNKNOWN", { given: { rollout: `of ${service}` } });
  }
  return fullRollout(context, row);
}

async function fullRollout(context: ViewContext, row: RolloutRow<RolloutState>): Promise<Rollout> {
  const { state } = row;
  const nextLook = nextLookAtMs(state);
  const isOver = state.finishedAtMs !== null;
  const bad = await listBad(context.pool, row.rollout, BAD_SHOWN_MAX);
  const decisions = await listDecisions(context.pool, row.rollout);
  const from = row.from_revision;
  return {
    rollout: row.rollout,
    service: row.service,
    from,
    to: row.to_revision,
    state: state.name,
    step: state.step,
    steps: [...state.plan.policy.steps],
    weight: state.weight,
    actualShare: state.verdict?.actualShare ?? null,
    stepStartedAt: state.clock === null ? null : toTimestamp(state.clock.startedAtMs),
    nextLookAt: nextLook === null ? null : toTimestamp(nextLook),
    verdict: state.verdict,
    stable: from === null ? null : await showLane(context, row.service, from),
    candidate: await showLane(context, row.service, row.to_revision),
    decisions: decisions.map(({ at, text, by, kind }) => ({
      at: at.toISOString(),
      text,
      by,
      kind,
    })),
    badRequests: bad.map((one) => ({
      at: one.at.toISOString(),
      lane: one.lane,
      route: one.route,
      reason: one.reason,
      status: one.status,
      traceId: one.trace_id,
    })),
    failureLog: [...row.failure_log],
    actions: isOver ? [] : [...actionsOf(state)],
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    startedBy: row.started_by,
  };
}
