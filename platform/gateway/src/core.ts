/** What every request needs; made once by `startGateway`. */
import type { Clock } from "@tideway/kernel";
import type { Logger } from "@tideway/telemetry";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccessLog } from "./access-log.ts";
import type { Apps } from "./apps.ts";
import type { Callers } from "./callers.ts";
import type { ClientAddress } from "./client-address.ts";
import type { Listener, RequestHead } from "./request-head.ts";
import type { Table } from "./table.ts";
import type { TokenVerifier } from "./tokens.ts";

export interface Core {
  readonly table: Table;
  readonly tokens: TokenVerifier;
  readonly callers: Callers;
  readonly apps: Apps;
  readonly accessLog: AccessLog;
  readonly logger: Logger;
  readonly clock: Clock;
  /** True when people reach the gateway by https. */
  readonly isSecure: boolean;
  /** Past the trusted proxies, if there are any. */
  readonly clientAddress: ClientAddress;
}

/** A request as it came in. */
export interface Incoming {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly listener: Listener;
  readonly head: RequestHead;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly traceId: string;
  readonly sampled: boolean;
  readonly isRandom: boolean;
  /** Of the trace, valid; null without one. */
  readonly tracestate: string | null;
  /** Milliseconds of the monotonic clock. */
  readonly startedMs: number;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly mustContinue: boolean;
}
