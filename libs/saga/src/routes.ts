/** The platform's routes: operators list, inspect, retry and compensate through control. */
import { platformHandlers } from "@tideway/http";
import type { ServiceModule } from "@tideway/http";
import { commonErrors, toTimestamp } from "@tideway/kernel";
import { sagaRoutes } from "@tideway/schema";
import type { SagaStep, SagaSummary } from "@tideway/schema";
import { parseTraceparent } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { Problem } from "./machine/plan.ts";
import { compensateSaga, found, retrySaga } from "./operate.ts";
import type { OperateParts } from "./operate.ts";
import { listSagas, readSaga } from "./store/read.ts";
import type { StoredSaga } from "./store/rows.ts";

const LIMIT_DEFAULT = 50;

export interface RoutesParts extends OperateParts {
  readonly logger: Logger;
  /** Looks for due work at once. */
  readonly wake: () => void;
}

export function sagaRoutesOf(parts: RoutesParts): Pick<ServiceModule, "routes" | "handlers"> {
  const { pool, logger, wake } = parts;
  return platformHandlers(sagaRoutes, {
    listSagas: async ({ query }) => {
      const limit = query?.limit ?? LIMIT_DEFAULT;
      const listed = await listSagas(pool, {
        state: query?.state ?? null,
        attention: query?.attention ?? null,
        after: query?.after === undefined ? null : parseCursor(query.after),
        limit: limit + 1,
      });
      const page = listed.slice(0, limit);
      const last = listed.length > limit ? page.at(-1) : undefined;
      return {
        items: page.map(({ stored }) => summaryOf(stored)),
        next: last === undefined ? null : cursorOf(last.position),
      };
    },
    inspectSaga: async ({ params }) => {
      const stored = found(await readSaga(pool, params.saga), params.saga);
      return { saga: summaryOf(stored), steps: stepsOf(stored) };
    },
    retrySaga: async ({ params, body }) => {
      const stored = await retrySaga(parts, params.saga);
      logger.info("saga.retried", { saga: params.saga, by: body.by });
      wake();
      return summaryOf(stored);
    },
    compensateSaga: async ({ params, body }) => {
      const stored = await compensateSaga(parts, params.saga, `${body.by}: ${body.reason}`);
      logger.warn("saga.given-up", { saga: params.saga, by: body.by });
      wake();
      return summaryOf(stored);
    },
  });
}

export function summaryOf(stored: StoredSaga): SagaSummary {
  const { state } = stored;
  return {
    saga: state.saga,
    name: state.plan.name,
    version: state.plan.version,
    state: state.phase,
    step: state.plan.steps[Math.min(state.at, state.plan.steps.length - 1)]?.name ?? "",
    attempts: state.attempts,
    needsAttention: state.attention,
    problem: textOf(state.problem),
    startedAt: toTimestamp(stored.createdAtMs),
    updatedAt: toTimestamp(stored.updatedAtMs),
    dueAt: stampOf(stored.dueAtMs),
    traceId: parseTraceparent(stored.traceparent ?? undefined)?.traceId ?? null,
  };
}

function stepsOf({ state }: StoredSaga): SagaStep[] {
  return state.plan.steps.flatMap(({ name, kind }, i) => {
    const record = state.steps[i];
    if (record === undefined) return [];
    const [undo] = record.undo;
    return [
      {
        step: name,
        kind,
        state: record.state,
        attempts: record.attempts,
        startedAt: stampOf(record.begunAtMs),
        finishedAt: stampOf(record.finishedAtMs),
        undo:
          undo === undefined
            ? null
            : { service: undo.service, method: undo.method, path: undo.path },
        problem: textOf(record.problem),
      },
    ];
  });
}

function textOf(problem: Problem | null): string | null {
  return problem === null ? null : `${problem.code}: ${problem.detail}`;
}

function stampOf(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}

interface Position {
  readonly at: string;
  readonly id: string;
}

function cursorOf({ at, id }: Position): string {
  return Buffer.from(`${at} ${id}`).toString("base64url");
}

function parseCursor(cursor: string): Position {
  const text = Buffer.from(cursor, "base64url").toString();
  const match = /^(\d{4}-\d\d-\d\d [\d:.+-]{8,30}) ([0-9a-f-]{36})$/.exec(text);
  const [, at, id] = match ?? [];
  if (at !== undefined && id !== undefined) return { at, id };
  const given = { path: "querystring/after", problem: "is no cursor of this list" };
  throw commonErrors.error("BODY_INVALID", { given });
}
