/** Keeps everything on the screen fresh while somebody is signed in, and knows how fresh it is. */
import { ADMIN_STREAM_PATH } from "@tideway/api-admin";
import { useIsFetching, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState } from "react";
import type { ReactNode } from "react";
import { readLiveStream } from "./live-stream.ts";
import type { LiveState } from "./live-stream.ts";
import { LIVE_KEY } from "./queries.ts";
import { startRefresher } from "./refresher.ts";
import { endSession } from "./session.ts";
import { useNow } from "./use-now.ts";

/** With the stream a slow recheck only proves that quiet is quiet; without it, it is the pulse. */
const RECHECK_LIVE_MS = 5_000;
const RECHECK_POLLING_MS = 2_000;
/** Older than this, what is shown counts as stale. */
export const STALE_AFTER_MS = 12_000;

const LiveContext = createContext<LiveState>("connecting");

export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  useEffect(() => {
    const stop = new AbortController();
    keepFresh(client, setState, stop.signal);
    return () => stop.abort();
  }, [client]);
  return <LiveContext value={state}>{children}</LiveContext>;
}

function keepFresh(
  client: QueryClient,
  setState: (state: LiveState) => void,
  signal: AbortSignal,
): void {
  let current: LiveState = "connecting";
  const refresher = startRefresher({
    signal,
    recheckMs: () => (current === "live" ? RECHECK_LIVE_MS : RECHECK_POLLING_MS),
    refresh: async () => {
      if (document.hidden) return;
      await client.invalidateQueries({ queryKey: LIVE_KEY }, { cancelRefetch: false });
    },
  });
  document.addEventListener("visibilitychange", () => refresher.changed(), { signal });
  void readLiveStream({
    url: ADMIN_STREAM_PATH,
    signal,
    onChanged: () => refresher.changed(),
    onState: (state) => {
      // After a gap nobody knows what was missed.
      if (state === "live") refresher.changed();
      current = state;
      setState(state);
    },
    onSignedOut: () => endSession(client),
  });
}

export interface Freshness {
  readonly stream: LiveState;
  /** When the oldest shown data was fetched, by this browser's clock; null before the first. */
  readonly fetchedAtMs: number | null;
  readonly ageMs: number;
  readonly isStale: boolean;
  /** Why the oldest shown data is not fresher; null while nothing failed. */
  readonly reason: unknown;
}

/** How old what is shown is, looked up each second. */
export function useFreshness(): Freshness {
  const stream = useContext(LiveContext);
  const client = useQueryClient();
  const nowMs = useNow();
  // Renders again with each fetch, so that fresh data shows its age at once.
  useIsFetching({ queryKey: LIVE_KEY });
  const [oldest] = client
    .getQueryCache()
    .findAll({ queryKey: LIVE_KEY, type: "active" })
    .map(({ state }) => ({ atMs: state.dataUpdatedAt, reason: state.error }))
    .filter(({ atMs }) => atMs > 0)
    .toSorted((a, b) => a.atMs - b.atMs);
  if (oldest === undefined) {
    return { stream, fetchedAtMs: null, ageMs: 0, isStale: false, reason: null };
  }
  const ageMs = Math.max(0, nowMs - oldest.atMs);
  const isStale = ageMs > STALE_AFTER_MS;
  return { stream, fetchedAtMs: oldest.atMs, ageMs, isStale, reason: oldest.reason };
}
