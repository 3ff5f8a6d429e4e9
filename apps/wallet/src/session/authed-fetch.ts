/**
 * `fetch` for a signed-in person: sends the token, renews it once when it is refused, bounds the
 * wait. A request that was begun by one person is never repeated with another person's token.
 */
import { ClientError } from "@tideway/client";
import type { FetchLike } from "@tideway/client";
import type { Session } from "./session.ts";

/** Longer than any route's deadline, so that the gateway's own answer comes first. */
const TIMEOUT_MS = 15_000;

export function createAuthedFetch(session: Session, send: FetchLike = boundedFetch): FetchLike {
  return async (url, init) => {
    const before = session.state().person?.person ?? null;
    const token = await session.token();
    const response = await send(url, withToken(init, tokenOf(session, before, token)));
    if (response.status !== 401) return response;
    const renewed = await session.renew(token);
    if (renewed === null) return response;
    return send(url, withToken(init, tokenOf(session, before, renewed)));
  };
}

/** `fetch` that gives up after 15 s. */
export function boundedFetch(url: string, init: RequestInit): Promise<Response> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  return fetch(url, { ...init, signal });
}

function tokenOf(session: Session, before: string | null, token: string | null): string {
  const person = session.state().person?.person ?? null;
  if (token !== null && (before === null || person === before)) return token;
  throw new ClientError({
    code: "SESSION_ENDED",
    status: 401,
    retryable: false,
    title: "The session has ended.",
    action: "Sign in again.",
    given: {},
    traceId: null,
  });
}

function withToken(init: RequestInit, token: string): RequestInit {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return { ...init, headers };
}
