/** What runs instances. `rollout`, `scaler` and control see only this. */
import type { Manifest } from "@tideway/schema";

/** For example payments-7. */
export type RevisionId = string;

export interface Revision {
  readonly id: RevisionId;
  readonly service: string;
  readonly number: number;
  /** Hex SHA-256 over the revision's files. */
  readonly digest: string;
  /** Where its files are: main.mjs, manifest.json, migrations/. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export interface InstanceBounds {
  readonly min: number;
  readonly max: number;
}

export interface InstanceState {
  /** For example ins_01jd... */
  readonly instance: string;
  readonly url: string;
  readonly status: "starting" | "ready" | "draining" | "failed";
  readonly pid: number | null;
  readonly startedAtMs: number;
  readonly readyAtMs: number | null;
  /** How often this place was started again after an exit nobody asked for. */
  readonly restarts: number;
  readonly authHash: string;
  readonly assertionKey: string;
  readonly failure: InstanceFailure | null;
}

export interface InstanceFailure {
  /** A sentence: "exited with code 1 before it was ready", "/ready answered 503". */
  readonly reason: string;
  readonly status: number | null;
  readonly body: string | null;
  readonly logLines: readonly string[];
}

export interface RevisionState {
  readonly revision: RevisionId;
  readonly epoch: number;
  readonly bounds: InstanceBounds;
  readonly instances: readonly InstanceState[];
  /** Set when instances of this revision keep failing to get ready. */
  readonly failure: InstanceFailure | null;
}

export interface LogLine {
  readonly instance: string;
  readonly text: string;
}

export interface InstanceStats {
  readonly instance: string;
  readonly memoryBytes: number;
  readonly cpuMs: number;
}

export interface Engine {
  /** Kubernetes places and scales by itself. */
  readonly owns: { readonly scaling: boolean; readonly balancing: boolean };
  /** Idempotent; refuses an older epoch with ENGINE_EPOCH_STALE. */
  ensure(revision: Revision, bounds: InstanceBounds, epoch: number): Promise<void>;
  /** Drain, SIGTERM, then SIGKILL after `graceMs`. Resolves when nothing of it runs. */
  remove(revision: RevisionId, graceMs: number): Promise<void>;
  /** The present state of every revision, then each change. */
  watch(signal: AbortSignal): AsyncIterable<RevisionState>;
  logs(revision: RevisionId, signal: AbortSignal): AsyncIterable<LogLine>;
  stats(revision: RevisionId): Promise<InstanceStats[]>;
}
