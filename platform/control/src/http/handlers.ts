/** The admin api's handlers. Each act of an operator is written to the audit log before its reply. */
import { adminErrors } from "@tideway/api-admin";
import type { Clock } from "@tideway/kernel";
import { isCoded, toTimestamp } from "@tideway/kernel";
import type { Command } from "@tideway/rollout";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { createGate } from "../compat/gate.ts";
import { compatibilityHandlers } from "../compat/handlers.ts";
import type { BusPart } from "../bus/bus-part.ts";
import type { Conductor } from "../conductor.ts";
import { readLogs } from "../logs.ts";
import { quantile } from "../metric-history.ts";
import type { Operator, Operators } from "../operators.ts";
import { SESSION_HOURS } from "../operators.ts";
import { showParts } from "../parts.ts";
import { checkUpload, storeRevision } from "../revision-files.ts";
import type { RevisionUpload } from "../revision-files.ts";
import type { RolloutStarter } from "../rollouts.ts";
import type { ServiceSagas } from "../service-sagas.ts";
import { readAudit, writeAudit } from "../store/audit.ts";
import { addRevision } from "../store/revisions.ts";
import { findRollout } from "../store/rollouts.ts";
import * as views from "../views.ts";
import type { ViewContext } from "../views.ts";
import { audited } from "./audited.ts";
import { eventHandlers, sagaHandlers } from "./event-handlers.ts";
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
  readonly bus: Pick<BusPart, "admin" | "keeper">;
  readonly sagas: ServiceSagas;
}

export function createHandlers(parts: HandlerParts): AdminHandlers {
  const { pool, clock, bus, sagas } = parts;
  const backbone = { pool, clock, bus: bus.admin, sagas };
  return {
    ...sessionHandlers(parts),
    ...readHandlers(parts),
    ...releaseHandlers(parts),
    ...compatibilityHandlers(createGate(parts)),
    ...eventHandlers(backbone),
    ...sagaHandlers(backbone),
  };
}

function sessionHandlers(parts: HandlerParts) {
  const isSecure = parts.operatorsUrl.startsWith("https:");
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
  return {
    signIn: async ({ body, setCookie }) => {
      const { operator, token } = await signIn(parts, body);
      setCookie(`${SESSION_COOKIE}=${token}; Max-Age=${SESSION_HOURS * 3_600}; ${attributes}`);
      return operator;
    },
    signOut: async ({ operator, sessionToken, setCookie }) => {
      const subject = operator.operator;
      const run = async () => {
        if (sessionToken !== null) await parts.operators.signOut(sessionToken);
      };
      await audited(parts, { operator, action: "operator.sign-out", subject, run });
      setCookie(`${SESSION_COOKIE}=; Max-Age=0; ${attributes}`);
      return {};
    },
    me: async ({ operator }) => operator,
    addOperator: ({ body: { name, password }, operator }) =>
      audited(parts, {
        operator,
        action: "operator.add",
        subject: name,
        run: () => parts.operators.add(operator, name, password),
        tell: (added) => ({ subject: added.operator, detail: added.name }),
      }),
  } satisfies Partial<AdminHandlers>;
}

/** A wrong password is written down for names that there are; others would only fill the log. */
async function signIn(parts: HandlerParts, { name, password }: Credentials) {
  try {
    const signedIn = await parts.operators.signIn(name, password);
    const { operator } = signedIn;
    const subject = operator.operator;
    const entry = { operator: operator.name, action: "operator.sign-in", subject, detail: "" };
    await writeAudit(parts.pool, entry, parts.clock.now());
    return signedIn;
  } catch (error) {
    const known = isCoded(error, "OPERATOR_CREDENTIALS_WRONG")
      ? await parts.operators.find(name)
      : null;
    if (known !== null) {
      const action = "operator.sign-in.refused";
      const entry = { operator: "nobody", action, subject: known.operator, detail: known.name };
      await writeAudit(parts.pool, entry, parts.clock.now());
    }
    throw error;
  }
}

interface Credentials {
  readonly name: string;
  readonly password: string;
}

function readHandlers({ view, clock, conductor, pool, home, bus }: HandlerParts) {
  return {
    status: async () => ({
      parts: await showParts({
        home,
        gateway: conductor.gateway,
        bus: bus.keeper.health,
        pool,
      }),
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
    metrics: async ({ params, query }) => {
      await views.requireService(pool, params.service);
      const points = view.history
        .points(params.service, query.seconds ?? 300, clock.now())
        .map(({ at, revision, requests, bad, latency }) => {
          const p50Ms = quantile(latency, 0.5);
          return { at, revision, requests, bad, p50Ms, p99Ms: quantile(latency, 0.99) };
        });
      return { points };
    },
    logs: async ({ params, query }) => {
      await views.requireService(pool, params.service);
      return readLogs({ home, service: params.service, ...query });
    },
    rollout: ({ params }) => views.showRollout(view, params.rolloutId),
    latestRollout: async ({ params }) => {
      await views.requireService(pool, params.service);
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
    await audited(parts, {
      operator,
      action: `rollout.${command.action}`,
      subject: row?.service ?? rolloutId,
      detail: command.reason === undefined ? detail : `${detail}: ${command.reason}`,
      run: () => {
        if (row === null) {
          throw adminErrors.error("ROLLOUT_UNKNOWN", { given: { rollout: rolloutId } });
        }
        return parts.conductor.command(rolloutId, service, { ...command, by: operator.name });
      },
    });
    return views.showRollout(view, rolloutId);
  };
  return {
    putRevision: async ({ body, operator }) => {
      const { row, isNew } = await audited(parts, {
        operator,
        action: "revision.upload",
        subject: body.service,
        run: () => takeRevision(parts, body, operator),
        tell: ({ row, isNew }) => (isNew ? { subject: row.revision, detail: row.digest } : null),
      });
      return { revision: row.revision, digest: row.digest, isNew };
    },
    startRollout: async ({ body, operator }) => {
      const { revision, acceptBreaking } = body;
      const accepted =
        acceptBreaking === undefined ? "" : ` with breaking changes accepted: ${acceptBreaking}`;
      const rollout = await audited(parts, {
        operator,
        action: "rollout.start",
        subject: revision,
        detail: accepted.trim(),
        run: () => starter.release(revision, `operator ${operator.name}`, { acceptBreaking }),
        tell: (id) => ({ detail: id + accepted }),
      });
      return views.showRollout(view, rollout);
    },
    rollback: async ({ params, body, operator }) => {
      await views.requireService(pool, params.service);
      const by = `operator ${operator.name}`;
      const given = [body.revision, body.reason].filter((text) => text !== undefined).join(": ");
      const rollout = await audited(parts, {
        operator,
        action: "rollout.rollback",
        subject: params.service,
        detail: given,
        run: () =>
          starter.rollBack(params.service, body.revision ?? null, by, {
            acceptBreaking: body.reason,
          }),
        tell: (id) => ({ detail: `${id} ${given}`.trim() }),
      });
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

/** Files first: a row in the database promises them. */
async function takeRevision(parts: HandlerParts, upload: RevisionUpload, operator: Operator) {
  const checked = checkUpload(upload);
  await storeRevision(parts.home, checked);
  const { service, digest, manifest } = checked;
  const createdBy = operator.name;
  return tx(parts.pool, (t) => addRevision(t, { service, digest, manifest, createdBy }));
}
