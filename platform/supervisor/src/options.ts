import type { Identity } from "./identity.ts";

/** How one process is started, ended and recognised. Plain data: it arrives as a JSON file. */
export interface ProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly logFile: string;
  /** Bound here and handed on as descriptors 3, 4, ... */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly stopSignal: NodeJS.Signals;
  /** How long it may drain before SIGKILL. */
  readonly stopGraceMs: number;
  /** A running process with another fingerprint is replaced rather than adopted. */
  readonly fingerprint: string;
  readonly postgres?: PostgresFiles | undefined;
}
export interface PostgresFiles {
  readonly clusterName: string;
  readonly dataFolder: string;
  readonly socketFile: string;
}
export interface SupervisorOptions {
  /** Without symbolic links, or the socket's path may be longer than 107 bytes. */
  readonly runFolder: string;
  /** Started in this order, each as soon as the one before is ready; stopped in the reverse one. */
  readonly processes: readonly ProcessOptions[];
}
export interface ProcessStatus extends Pick<ProcessOptions, "name" | "stopSignal" | "fingerprint"> {
  readonly state: "starting" | "up" | "waiting" | "stopping" | "stopped";
  readonly running: Identity | null;
  readonly upSinceMs: number | null;
  readonly restarts: number;
  readonly lastExit: string | null;
}
/** The supervisor's own identity, and what it keeps. */
export interface SupervisorStatus extends Identity {
  readonly startedAtMs: number;
  readonly processes: readonly ProcessStatus[];
}
