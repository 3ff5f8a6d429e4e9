import type { Clock } from "@tideway/kernel";
import type { Revision } from "./engine.ts";

/** What control gives an instance: the database's address, keys, the profile. */
export type EnvironmentOf = (
  revision: Revision,
  instance: string,
) => Promise<Readonly<Record<string, string>>>;

/** Every bound of the engine. The defaults are in ENGINE_LIMITS. */
export interface EngineLimits {
  /** Instances of one revision, draining ones included. */
  readonly instancesPerRevisionMax: number;
  /** Instances of all revisions, draining ones included. */
  readonly instancesMax: number;
  /** How long `environment` may take. */
  readonly environmentTimeoutMs: number;
  /** From the start until /ready must have answered 200. */
  readonly readyTimeoutMs: number;
  /** How long one probe waits for an answer. */
  readonly probeTimeoutMs: number;
  /** Between two probes of an instance that is ready. */
  readonly probeIntervalMs: number;
  /** Failed probes in a row after which an instance is no longer ready. */
  readonly probesFailedMax: number;
  /** How long an instance that was ready may stay unready before it is replaced. */
  readonly unreadyTimeoutMs: number;
  /** Starts in a row that never got ready, after which the revision counts as failing. */
  readonly startsFailedMax: number;
  /** The second restart's longest delay; the first is immediate, each later one twice as long. */
  readonly restartDelayMs: number;
  readonly maxRestartDelayMs: number;
  /** An instance that lived this long is restarted at once again. */
  readonly steadyAfterMs: number;
  /** Between announcing that a ready instance drains and its SIGTERM, for the gateway to let go. */
  readonly drainNoticeMs: number;
  /** SIGKILL follows SIGTERM after this, for instances the engine drains by itself. */
  readonly drainGraceMs: number;
  /** How long a process may outlive SIGKILL before that is reported. */
  readonly stuckAfterMs: number;
  /** Size at which a log is moved aside; one older part is kept. */
  readonly logBytesMax: number;
  /** Between two looks at the sizes of the logs. */
  readonly logCheckIntervalMs: number;
  /** Logs of ended instances kept per revision. */
  readonly logsEndedMax: number;
}

export const ENGINE_LIMITS: EngineLimits = {
  instancesPerRevisionMax: 64,
  instancesMax: 500,
  environmentTimeoutMs: 10_000,
  readyTimeoutMs: 60_000,
  probeTimeoutMs: 2_000,
  probeIntervalMs: 2_000,
  probesFailedMax: 3,
  unreadyTimeoutMs: 30_000,
  startsFailedMax: 3,
  restartDelayMs: 200,
  maxRestartDelayMs: 10_000,
  steadyAfterMs: 60_000,
  drainNoticeMs: 250,
  drainGraceMs: 10_000,
  stuckAfterMs: 30_000,
  logBytesMax: 32 * 1_048_576,
  logCheckIntervalMs: 5_000,
  logsEndedMax: 8,
};

export interface ProcessEngineOptions extends Partial<EngineLimits> {
  /** TIDEWAY_HOME. */
  readonly home: string;
  /** The node binary that runs instances. */
  readonly node: string;
  readonly environment: EnvironmentOf;
  /** V8's old space of each instance, in megabytes; 512 unless given. */
  readonly memoryLimitMb?: number;
  readonly clock?: Clock;
  /** In [0, 1); spreads restarts. */
  readonly random?: () => number;
  /** Hears what nobody awaits, for example a drained process that will not end. */
  readonly onError?: (error: unknown) => void;
}

/** The defaults with what the options say instead. */
export function limitsOf(options: Partial<EngineLimits>): EngineLimits {
  const limits: Record<string, number> = { ...ENGINE_LIMITS };
  for (const [name, value] of Object.entries(options)) {
    if (name in ENGINE_LIMITS && typeof value === "number") limits[name] = value;
  }
  return { ...ENGINE_LIMITS, ...limits };
}
