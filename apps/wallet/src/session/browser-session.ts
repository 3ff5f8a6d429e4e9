/** The one session of this tab, wired to the browser: identity's api, the lock, the other tabs. */
import { identityApi } from "@tideway/api-identity";
import { createClient } from "@tideway/client";
import { useSyncExternalStore } from "react";
import { boundedFetch } from "./authed-fetch.ts";
import { createSession } from "./session.ts";
import type { SessionReply, SessionState } from "./session.ts";

const LOCK = "tideway-session";
const CHANNEL = "tideway-session";

/** Identity's routes that need no token. */
export const publicIdentity = createClient(identityApi, {
  baseUrl: "/api/identity",
  fetch: boundedFetch,
});

export const session = createSession({
  refresh: () => publicIdentity.refresh({ body: {} }),
  end: () => publicIdentity.signOut({ body: {} }),
  now: () => Date.now(),
  exclusively: (work) => lockTabs(work),
});

/** Signs in this tab. */
export function openSession(reply: SessionReply): void {
  session.open(reply);
}

/** Signs out here and in the other tabs. */
export async function closeSession(): Promise<void> {
  await session.close();
  // A BroadcastChannel reaches this origin only, and takes no target.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  otherTabs?.postMessage("closed");
}

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.state);
}

const otherTabs = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
otherTabs?.addEventListener("message", (event) => {
  if (event.data === "closed") session.forget();
});

/** Plain-http pages that are not localhost have no locks; then the tabs take their chances. */
async function lockTabs<T>(work: () => Promise<T>): Promise<T> {
  if (!("locks" in navigator)) return work();
  return navigator.locks.request(LOCK, work);
}
