/** What belongs to the request being handled, found by outgoing calls without passing it along. */
import { AsyncLocalStorage } from "node:async_hooks";

export interface RequestContext {
  /** The person's own access token, sent on with calls to other services. */
  readonly token: string | null;
  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  readonly deadlineAtMs: number;
}

const storage = new AsyncLocalStorage<RequestContext>();

export function withRequestContext<T>(context: RequestContext, act: () => T): T {
  return storage.run(context, act);
}

export function currentRequest(): RequestContext | null {
  return storage.getStore() ?? null;
}
