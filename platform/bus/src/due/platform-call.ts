/** Requests of the bus to the platform's routes of services, through the gateway. */
import { INSTANCE_HEADER } from "@tideway/trust";
import { Agent, request } from "undici";

export interface PlatformCallOptions {
  /** Of the gateway's internal listener. */
  readonly internalUrl: string;
  /** The bus's own secret towards the gateway. */
  readonly secret: string;
  /** At once, over all services. */
  readonly connectionsMax?: number;
}

export interface PlatformAnswer {
  readonly status: number;
  /** What the reply's JSON says; null where it is none. */
  readonly body: unknown;
}

export interface PlatformCaller {
  /** Sends a POST to `/api/<service><path>`. Throws when no answer came within `deadlineMs`. */
  post(call: {
    readonly service: string;
    readonly path: string;
    readonly body: unknown;
    readonly deadlineMs: number;
    readonly signal?: AbortSignal;
  }): Promise<PlatformAnswer>;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 16;
/** The gateway's own answer to a deadline that passed should come before ours. */
const DEADLINE_GRACE_MS = 1_000;

/**
 * Opens its own connections; `close` ends them.
 *
 * @example
 * await caller.post({ service: "shop", path: "/tideway/wake", body: null, deadlineMs: 10_000 });
 */
export function platformCaller(options: PlatformCallOptions): PlatformCaller {
  const agent = new Agent({
    connections: options.connectionsMax ?? CONNECTIONS_MAX,
    connectTimeout: 5_000,
    keepAliveTimeout: 10_000,
  });
  return {
    post: async ({ service, path, body, deadlineMs, signal }) => {
      const limitMs = deadlineMs + DEADLINE_GRACE_MS;
      const timeout = AbortSignal.timeout(limitMs);
      const answer = await request(`${options.internalUrl}/api/${service}${path}`, {
        dispatcher: agent,
        method: "POST",
        headers: {
          [INSTANCE_HEADER]: `bus:${options.secret}`,
          "tideway-deadline": String(deadlineMs),
          ...(body === null ? {} : { "content-type": "application/json" }),
        },
        body: body === null ? null : JSON.stringify(body),
        headersTimeout: limitMs,
        bodyTimeout: limitMs,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      return { status: answer.statusCode, body: parsed(await answer.body.text()) };
    },
    close: () => agent.close(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
