/**
 * What an engine writes down of each instance, so that its successor finds it:
 *
 *   run/instances/<instance>.json   written before the process exists, then again with its pid
 *   run/instances/<instance>.pid    written by the process itself, before it runs anything
 *
 * The second file closes the gap between starting a process and writing its pid down. The process
 * writes its pid and then looks for the record; a successor that finds a record without a pid
 * deletes the record and then looks for the pid. Whatever the order, one of them sees the other,
 * so the process ends by itself or is found. A pid without a record is found the same way.
 */
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningInstance } from "./driver.ts";
import { hasCode, parseIdentity } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";

export interface InstanceRecord extends Omit<RunningInstance, "url"> {
  readonly recordVersion: 1;
  /** Null until the process runs. */
  readonly startTime: string | null;
  /** The machine's boot in which it was started. */
  readonly boot: string;
  readonly port: number;
}

export interface RecordStore {
  /** Atomic: a reader sees the old record or the new one. */
  write(record: InstanceRecord): void;
  /** All records, oldest first; a file that is no record is deleted. */
  list(): InstanceRecord[];
  /** Instances that wrote their pid but have no record: nobody would ever end them. */
  listStrays(): string[];
  /** What the process wrote of itself; null when it has not. */
  readIdentity(instance: string): ProcessIdentity | null;
  removeRecord(instance: string): void;
  removeIdentity(instance: string): void;
  recordPath(instance: string): string;
  identityPath(instance: string): string;
}

const INSTANCE_FILE = /^(ins_[0-9a-z]{26})\.(json|pid)$/;

/** The records below this folder, which is made when it is missing. */
export function openRecordStore(folder: string): RecordStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (instance: string, ending: string): string => join(folder, `${instance}.${ending}`);
  const remove = (instance: string, ending: string): void =>
    rmSync(path(instance, ending), { force: true });
  const instancesWith = (ending: string): string[] =>
    readdirSync(folder)
      .flatMap((name) => {
        const match = INSTANCE_FILE.exec(name);
        return match?.[1] !== undefined && match[2] === ending ? [match[1]] : [];
      })
      .sort();

  return {
    recordPath: (instance) => path(instance, "json"),
    identityPath: (instance) => path(instance, "pid"),
    removeRecord: (instance) => remove(instance, "json"),
    removeIdentity: (instance) => remove(instance, "pid"),
    write(record) {
      const temporary = path(record.instance, "tmp");
      writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
      renameSync(temporary, path(record.instance, "json"));
    },
    readIdentity(instance) {
      const text = readOrNull(path(instance, "pid"));
      return text === null ? null : parseIdentity(text);
    },
    list() {
      const records: InstanceRecord[] = [];
      for (const instance of instancesWith("json")) {
        const record = parseRecord(readOrNull(path(instance, "json")));
        if (record === null) remove(instance, "json");
        else records.push(record);
      }
      return records;
    },
    listStrays() {
      const recorded = new Set(instancesWith("json"));
      return instancesWith("pid").filter((instance) => !recorded.has(instance));
    },
  };
}

/** Null for what is no record of this version: a damaged file must not keep an engine from starting. */
function parseRecord(text: string | null): InstanceRecord | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const TEXTS = ["instance", "revision", "boot", "authHash", "assertionKey"] as const;
const NUMBERS = ["epoch", "port", "startedAtMs", "restarts"] as const;

function isRecord(value: unknown): value is InstanceRecord {
  if (typeof value !== "object" || value === null) return false;
  const fields: Record<string, unknown> = { ...value };
  const nullable = (name: string, type: string): boolean =>
    fields[name] === null || typeof fields[name] === type;
  return (
    fields["recordVersion"] === 1 &&
    TEXTS.every((name) => typeof fields[name] === "string") &&
    NUMBERS.every((name) => Number.isSafeInteger(fields[name])) &&
    nullable("pid", "number") &&
    nullable("startTime", "string") &&
    nullable("readyAtMs", "number") &&
    typeof fields["draining"] === "boolean"
  );
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}
