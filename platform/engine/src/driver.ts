/**
 * What differs between running instances as processes and as containers. The reconciler decides
 * what shall run; a driver starts it, stops it, finds it again and tells when it ended. Private to
 * this package: everybody else sees `Engine`.
 */
import type { InstanceStats, LogLine, Revision, RevisionId } from "./engine.ts";

export interface StartOrder {
  readonly instance: string;
  readonly revision: Revision;
  readonly epoch: number;
  readonly restarts: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly authHash: string;
  readonly assertionKey: string;
}

/** An instance that runs. What an engine's successor must know of it is kept by the driver. */
export interface RunningInstance {
  readonly instance: string;
  readonly revision: RevisionId;
  readonly epoch: number;
  readonly url: string;
  readonly pid: number | null;
  readonly startedAtMs: number;
  readonly readyAtMs: number | null;
  readonly restarts: number;
  readonly draining: boolean;
  readonly authHash: string;
  readonly assertionKey: string;
}

/** Both are null when the process was not our child: its parent alone learns how it ended. */
export interface InstanceEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface Driver {
  /** Starts an instance whose socket already takes connections. Throws ENGINE_START_FAILED. */
  start(order: StartOrder): Promise<RunningInstance>;
  /** Signals the instance and all it started. Does nothing when it has ended. */
  stop(instance: string, signal: "SIGTERM" | "SIGKILL"): void;
  /** What an earlier engine left running; what it left behind without a process is cleared away. */
  list(): Promise<RunningInstance[]>;
  /** Resolves when nothing of the instance runs any more. */
  watch(instance: string): Promise<InstanceEnd>;
  /** Keeps for a successor what the reconciler learned. */
  note(instance: string, learned: { readyAtMs?: number; draining?: true }): void;
  /** Null when the instance has ended. */
  stats(instance: string): Promise<InstanceStats | null>;
  /** The last lines an instance wrote, oldest first. */
  lastLines(revision: RevisionId, instance: string, linesMax: number): Promise<string[]>;
  /** Whether there are logs of this revision, of instances running or ended. */
  hasLogs(revision: RevisionId): boolean;
  logs(revision: RevisionId, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Stops looking; what runs goes on running. */
  close(): void;
}
