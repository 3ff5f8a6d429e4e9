/** The admin api's handlers. Each act of an operator is written to the audit log before its reply. */
import type { Clock } from "@tideway/kernel";
import { toTimestamp } from "@tideway/kernel";
import type { Command } from "@tideway/rollout";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { Conductor } from "../conductor.ts";
import { readLogs } from "../logs.ts";
import { quantile } from "../metric-history.ts";
import type { Operator, Operators } from "../operators.ts";
import { SESSION_HOURS } from "../operators.ts";
import { showParts } from "../parts.ts";
import { checkUpload, storeRevision } from "../revision-files.ts";
import type { RolloutStarter } from "../rollouts.ts";
import { readAudit, writeAudit } from "../store/audit.ts";
import { addRevision } from "../store/revisions.ts";
import { findRollout } from "../store/rollouts.ts";
import * as views from "../views.ts";
import type { ViewContext } from "../views.ts";
import { SESSION_COOKIE } from "./server.ts";
import type { AdminHandlers } from "./server.ts";

export interface HandlerParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly home: string;
  readonly operatorsUrl: string;
  readonly operators: Operators;
  readonly conductor: Conductor;
  readonly starter: RolloutStarter;
  readonly view: ViewContext;
}

export function createHandlers(parts: HandlerParts): AdminHandlers {
  return { ...sessionHandlers(parts), ...readHandlers(parts), ...releaseHandlers(parts) };
}

function sessionHandlers(parts: HandlerParts) {
  const isSecure = parts.operatorsUrl.startsWith("https:");
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
  return {
    signIn: async ({ body, setCookie }) => {
      const { operator, token } = await parts.operators.signIn(body.name, body.password);
      await audit(parts, operator, "operator.sign-in", operator.operator, "");
      setCookie(`${SESSION_COOKIE}=${token}; Max-Age=${SESSION_HOURS * 3_600}; ${attributes}`);
      return operator;
    },
    signOut: async ({ sessionToken, setCookie }) => {
      if (sessionToken !== null) await parts.operators.signOut(sessionToken);
      setCookie(`${SESSION_COOKIE}=; Max-Age=0; ${attributes}`);
      return {};
    },
    me: async ({ operator }) => operator,
    addOperator: async ({ body, operator }) => {
      const added = await parts.operators.add(operator, body.name, body.password);
      await audit(parts, operator, "operator.add", added.operator, added.name);
      return added;
    },
  } satisfies Partial<AdminHandlers>;
}

function readHandlers({ view, clock, conductor, pool, home }: HandlerParts) {
  return {
    status: async () => ({
      parts: await showParts({ home, gateway: conductor.gateway, pool }),
      services: await views.showServices(view),
      checkedAt: toTimestamp(clock.now()),
    }),
    services: async () => ({ services: await views.showServices(view) }),
    service: async ({ params }) => {
      const service = await views.showServiceByName(view, params.service);
      return {
        service,
        revisions: await views.showRevisions(view, service),
        rollouts: await views.showPastRollouts(view, params.service),
      };
    },
    metrics: async ({ params, query }) => ({
      points: view.history
        .points(params.service, query.seconds ?? 300, clock.now())
        .map(({ at, revision, requests, bad, latency }) => {
          const p50Ms = quantile(latency, 0.5);
          return { at, revision, requests, bad, p50Ms, p99Ms: quantile(latency, 0.99) };
        }),
    }),
    logs: async ({ params, query }) => {
      await views.showServiceByName(view, params.service);
      return readLogs({ home, service: params.service, ...query });
    },
    rollout: ({ params }) => views.showRollout(view, params.rolloutId),
    latestRollout: async ({ params }) => {
      await views.showServiceByName(view, params.service);
      return views.showLatestRollout(view, params.service);
    },
    audit: async ({ query }) => {
      const entries = await readAudit(pool, query.limit ?? 50);
      return { entries: entries.map((row) => ({ ...row, at: row.at.toISOString() })) };
    },
  } satisfies Partial<AdminHandlers>;
}

function releaseHandlers(parts: HandlerParts) {
  const { view, starter, pool } = parts;
  const act = async (
    rolloutId: string,
    operator: Operator,
    command: Omit<Command, "by">,
  ): ReturnType<typeof views.showRollout> => {
    const row = await findRollout(pool, rolloutId);
    const service = row?.service ?? "";
    const detail = `${service} ${rolloutId}${command.full === true ? " to 100 %" : ""}`;
    await parts.conductor.command(rolloutId, service, { ...command, by: operator.name });
    const reason = command.reason === undefined ? "" : `: ${command.reason}`;
    await audit(parts, operator, `rollout.${command.action}`, service, detail + reason);
    return views.showRollout(view, rolloutId);
  };
  return {
    putRevision: async ({ body, operator }) => {
      const checked = checkUpload(body);
      await storeRevision(parts.home, checked);
      const { service, digest, manifest } = checked;
      const createdBy = operator.name;
      const { row, isNew } = await tx(pool, (t) =>
        addRevision(t, { service, digest, manifest, createdBy }),
      );
      if (isNew) await audit(parts, operator, "revision.upload", row.revision, digest);
      return { revision: row.revision, digest, isNew };
    },
    startRollout: async ({ body, operator }) => {
      const rollout = await starter.release(body.revision, `operator ${operator.name}`);
      await audit(parts, operator, "rollout.start", body.revision, rollout);
      return views.showRollout(view, rollout);
    },
    rollback: async ({ params, body, operator }) => {
      await views.showServiceByName(view, params.service);
      const by = `operator ${operator.name}`;
      const rollout = await starter.rollBack(params.service, body.revision ?? null, by);
      await audit(parts, operator, "rollout.rollback", params.service, body.reason ?? rollout);
      return views.showRollout(view, rollout);
    },
    pause: ({ params, body, operator }) =>
      act(params.rolloutId, operator, { action: "pause", ...body }),
    resume: ({ params, body, operator }) =>
      act(params.rolloutId, operator, { action: "resume", ...body }),
    promote: ({ params, body, operator }) =>
      act(params.rolloutId, operator, { action: "promote", ...body }),
    abort: ({ params, body, operator }) =>
      act(params.rolloutId, operator, { action: "abort", ...body }),
  } satisfies Partial<AdminHandlers>;
}

function audit(
  parts: HandlerParts,
  operator: Operator,
  action: string,
  subject: string,
  detail: string,
): Promise<void> {
  const entry = { operator: operator.name, action, subject, detail };
  return writeAudit(parts.pool, entry, parts.clock.now());
}
