/**
 * What the settings of the NATS servers give. A JetStream server writes to its file before it
 * acknowledges, so that a crash of the process loses nothing; but it asks the disk to keep what was
 * written only every `sync_interval`, 2 minutes unless set. A loss of power in between loses what
 * was acknowledged, unless the server syncs always, or enough other servers keep their power.
 *
 * Servers before 2.10 have no such setting: theirs is always 2 minutes. Later ones tell theirs at
 * the monitoring port alone (`/jsz?config=true`), so without that address it is not known, and what
 * is not known is not promised.
 */
import type { Durability } from "../carrier.ts";

export interface NatsSettings {
  readonly version: string;
  readonly storage: "file" | "memory";
  /** The lowest of the log's streams. */
  readonly replicas: number;
  readonly sync: SyncSetting;
  /** The operator's word that the servers do not lose their power together. */
  readonly hasSeparatePower: boolean;
}

export type SyncSetting =
  | { readonly kind: "always" }
  | { readonly kind: "every"; readonly ms: number; readonly isFixed: boolean }
  | { readonly kind: "unknown" };

const SYNC_MS_DEFAULT = 120_000;
/** Fewer cannot lose one and still have a majority. */
const REPLICAS_MIN = 3;

/** Says plainly what survives what. */
export function durabilityOf(settings: NatsSettings): Durability {
  const { version, storage, replicas, sync, hasSeparatePower } = settings;
  const many = replicas >= REPLICAS_MIN;
  const isDurable = storage === "file" && (sync.kind === "always" || (many && hasSeparatePower));
  const copies = replicas === 1 ? "one copy" : `${replicas} copies`;
  return {
    sentence: `NATS ${version}, ${copies}, ${storage}: ${verdict(settings, many)}`,
    isDurable,
    settings: {
      version,
      storage,
      replicas: String(replicas),
      syncInterval: syncText(sync),
      separatePower: hasSeparatePower ? "yes, says the operator" : "not said",
    },
  };
}

function verdict(settings: NatsSettings, many: boolean): string {
  const { storage, sync, hasSeparatePower } = settings;
  if (storage === "memory") return "acknowledged events are lost when the servers stop.";
  if (sync.kind === "always") {
    return "an acknowledged event is on the disk; it survives a crash and a loss of power.";
  }
  const crash = "acknowledged events survive a crash of the server";
  const power = `(it syncs to disk ${syncText(sync)})`;
  if (!many) return `${crash}, but may be lost by a loss of power ${power}.`;
  return hasSeparatePower
    ? `acknowledged events survive the loss of a minority of the servers and their power ${power}.`
    : `${crash}, but may be lost when most servers lose their power together ${power}.`;
}

function syncText(sync: SyncSetting): string {
  if (sync.kind === "always") return "always";
  if (sync.kind === "unknown") return "at an interval that is not known, 2 minutes unless set";
  return `every ${sync.ms / 1_000} s${sync.isFixed ? ", which this version cannot change" : ""}`;
}

/** What the monitoring port tells, or the version alone where there is no such setting. */
export function syncSettingOf(version: string, jsz: unknown): SyncSetting {
  if (isBefore210(version)) return { kind: "every", ms: SYNC_MS_DEFAULT, isFixed: true };
  const config = field(jsz, "config");
  if (config === undefined) return { kind: "unknown" };
  if (field(config, "sync_always") === true) return { kind: "always" };
  const nanos = field(config, "sync_interval");
  const ms = typeof nanos === "number" && nanos > 0 ? nanos / 1_000_000 : SYNC_MS_DEFAULT;
  return { kind: "every", ms, isFixed: false };
}

function isBefore210(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 2 || (major === 2 && minor < 10);
}

function field(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? Reflect.get(value, name) : undefined;
}
