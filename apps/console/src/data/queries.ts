/**
 * What the screens read. Everything below the key `live` is fetched again whenever control says
 * that something changed; see `live-provider.tsx`.
 */
import type { Rollout } from "@tideway/api-admin";
import { isClientError } from "@tideway/client";
import { queryOptions } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import { admin } from "./admin.ts";
import type { Status } from "./admin.ts";
import { noteServerTime } from "./server-clock.ts";

export const LIVE_KEY = ["live"] as const;
/** What the audit page asks for; the api gives no more at once. */
export const AUDIT_ENTRIES_MAX = 200;
const METRICS_POLL_MS = 2_000;

export const statusQuery = queryOptions({
  queryKey: [...LIVE_KEY, "status"],
  queryFn: ({ signal }) => loadStatus(signal),
});

/** The latest rollout of each of these services that ever had one. */
export const latestRolloutsQuery = (services: readonly string[]) =>
  queryOptions({
    queryKey: [...LIVE_KEY, "latest-rollouts", services],
    queryFn: async ({ signal }) => {
      const latest = await Promise.all(services.map((service) => latestRollout(service, signal)));
      return latest.filter((rollout) => rollout !== null);
    },
  });

export const serviceQuery = (service: string) =>
  queryOptions({
    queryKey: [...LIVE_KEY, "service", service],
    queryFn: ({ signal }) => admin.service({ params: { service }, signal }),
  });

export const rolloutQuery = (rolloutId: string) =>
  queryOptions({
    queryKey: rolloutKey(rolloutId),
    queryFn: ({ signal }) => admin.rollout({ params: { rolloutId }, signal }),
  });

export const metricsQuery = (service: string, seconds: number) =>
  queryOptions({
    queryKey: ["metrics", service, seconds],
    queryFn: ({ signal }) => admin.metrics({ params: { service }, query: { seconds }, signal }),
    refetchInterval: METRICS_POLL_MS,
  });

export const auditQuery = queryOptions({
  queryKey: [...LIVE_KEY, "audit"],
  queryFn: ({ signal }) => admin.audit({ query: { limit: AUDIT_ENTRIES_MAX }, signal }),
});

/** Shows what an act answered at once, and fetches everything that it may have changed. */
export async function showRollout(client: QueryClient, rollout: Rollout): Promise<void> {
  client.setQueryData(rolloutKey(rollout.rollout), rollout);
  await client.invalidateQueries({ queryKey: LIVE_KEY });
}

const rolloutKey = (rolloutId: string) => [...LIVE_KEY, "rollout", rolloutId] as const;

async function loadStatus(signal: AbortSignal): Promise<Status> {
  const sentMs = Date.now();
  const status = await admin.status({ signal });
  noteServerTime(status.checkedAt, sentMs, Date.now());
  return status;
}

/** Null for a service that was never released by a rollout. */
async function latestRollout(service: string, signal: AbortSignal): Promise<Rollout | null> {
  try {
    return await admin.latestRollout({ params: { service }, signal });
  } catch (error) {
    if (isClientError(error, "ROLLOUT_UNKNOWN", "ROLLOUT_NOT_RUNNING", "SERVICE_UNKNOWN")) {
      return null;
    }
    throw error;
  }
}
