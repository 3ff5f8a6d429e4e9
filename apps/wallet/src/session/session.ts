/**
 * Who is signed in. The access token lives in memory only; the refresh token is an HttpOnly cookie
 * that this code never sees. Refreshing is one at a time, in this tab by a shared promise and among
 * tabs by a lock, because the refresh token rotates and a second use of the old one ends the session.
 */
import { isClientError } from "@tideway/client";

export interface Person {
  readonly person: string;
  readonly email: string;
  readonly name: string;
}

export interface SessionReply {
  readonly accessToken: string;
  readonly expiresAt: string;
  readonly person: Person;
}

export type SessionState =
  | { readonly status: "unknown"; readonly person: null }
  | { readonly status: "signed-out"; readonly person: null }
  | { readonly status: "signed-in"; readonly person: Person };

export interface SessionOptions {
  /** POST /api/identity/sessions/refresh with the cookie. */
  readonly refresh: () => Promise<SessionReply>;
  readonly end: () => Promise<unknown>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs `work` while no other tab runs its own. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface Session {
  readonly state: () => SessionState;
  readonly subscribe: (listener: () => void) => () => void;
  /** Asks once whether the cookie still holds; throws when nobody could answer. */
  ready(): Promise<SessionState>;
  /** A token that is good for the next seconds, or null when nobody is signed in. */
  token(): Promise<string | null>;
  /** A token other than `stale`, which was refused. */
  renew(stale: string | null): Promise<string | null>;
  open(reply: SessionReply): void;
  close(): Promise<void>;
  /** Another tab signed out. */
  forget(): void;
}

/** Renewed this long before it ends, so that a request does not outlive its token. */
const RENEW_BEFORE_MS = 30_000;
/** A wrong clock must neither renew before each request nor never. */
const LIFETIME_MS_MIN = 60_000;
const LIFETIME_MS_MAX = 9 * 60_000;

export function createSession(options: SessionOptions): Session {
  const { state, subscribe, become } = createState();
  let access: Access | null = null;
  let renewing: Promise<string | null> | null = null;

  const open = (reply: SessionReply): void => {
    access = { token: reply.accessToken, renewAtMs: renewAtMs(reply, options.now()) };
    become({ status: "signed-in", person: reply.person });
  };
  const forget = (): void => {
    access = null;
    become({ status: "signed-out", person: null });
  };
  const refresh = async (): Promise<string | null> => {
    try {
      const reply = await options.exclusively(options.refresh);
      open(reply);
      return reply.accessToken;
    } catch (error) {
      if (!isEnded(error)) throw error;
      forget();
      return null;
    }
  };
  const renewOnce = (): Promise<string | null> => {
    renewing ??= refresh().finally(() => {
      renewing = null;
    });
    return renewing;
  };
  return {
    state,
    subscribe,
    open,
    forget,
    ready: async () => {
      if (state().status === "unknown") await renewOnce();
      return state();
    },
    token: async () => {
      if (access !== null && options.now() < access.renewAtMs) return access.token;
      return state().status === "signed-out" ? null : renewOnce();
    },
    renew: async (stale) => {
      if (access !== null && access.token !== stale) return access.token;
      return renewOnce();
    },
    close: async () => {
      await options.end();
      forget();
    },
  };
}

interface Access {
  readonly token: string;
  readonly renewAtMs: number;
}

/** The state and who listens to it; the same person again is no change. */
function createState() {
  let state: SessionState = { status: "unknown", person: null };
  const listeners = new Set<() => void>();
  return {
    state: (): SessionState => state,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    become: (next: SessionState): void => {
      if (next.status === state.status && next.person?.person === state.person?.person) return;
      state = next;
      for (const listener of listeners) listener();
    },
  };
}

function renewAtMs(reply: SessionReply, nowMs: number): number {
  const livesMs = Date.parse(reply.expiresAt) - nowMs;
  const lifetimeMs = Math.min(LIFETIME_MS_MAX, Math.max(LIFETIME_MS_MIN, livesMs));
  return nowMs + lifetimeMs - RENEW_BEFORE_MS;
}

/** The service said no to the cookie. No answer, or a broken service, ends no session. */
function isEnded(error: unknown): boolean {
  return isClientError(error) && error.status >= 400 && error.status < 500 && error.status !== 429;
}
