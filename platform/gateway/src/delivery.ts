/**
 * What a delivery of events says of itself, beside being a request: the revision it is pinned to,
 * and who the events are about. Each event's ordering key stands for a person, when traffic is split
 * and when a candidate is judged.
 */
import { DELIVERY_EVENTS_MAX, FAILED_HEADER, KEYS_HEADER, PIN_HEADER } from "@tideway/schema";
import { gatewayErrors } from "./errors.ts";
import type { RequestHead } from "./request-head.ts";

export interface Pin {
  readonly revision: string;
  /** The configuration that the split was read from. */
  readonly epoch: number;
}

export interface Delivery {
  /** Null: the split decides, as for any request. */
  readonly pin: Pin | null;
  /** 16 hex digits for each event, in their order. Empty: nobody is judged by this request. */
  readonly keys: readonly string[];
}

const PIN = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,99})@(\d{1,15})$/;
const KEY = /^[0-9a-f]{16}$/;
/** An instance cannot read what it got: malformed, too large, not as its schema says. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);
const KEYS_CHARACTERS_MAX = DELIVERY_EVENTS_MAX * 17 - 1;

/** Reads the headers of a part of the platform. Throws DELIVERY_HEADER_INVALID. */
export function readDelivery({ pin, keys }: Pick<RequestHead, "pin" | "keys">): Delivery {
  return { pin: pin === null ? null : pinOf(pin), keys: keys === null ? [] : keysOf(keys) };
}

export interface DeliveryReply {
  /** Null when there was none. */
  readonly status: number | null;
  /** The reply's header; what it says of events that were not sent counts for nothing. */
  readonly failed: string | null;
}

/**
 * The keys that a delivery tells something about, each once, with whether one of its events failed.
 * A batch refused as malformed tells of nobody: one event that nobody can read would else be held
 * against all who travelled with it. It comes again event by event, and then it tells.
 */
export function outcomesOf(
  keys: readonly string[],
  { status, failed }: DeliveryReply,
): ReadonlyMap<string, "bad" | "good"> {
  if (status !== null && REFUSALS.has(status) && keys.length > 1) return new Map();
  const outcomes = new Map<string, "bad" | "good">(keys.map((key) => [key, "good"]));
  for (const index of indexesIn(failed)) {
    const key = keys[index];
    if (key !== undefined) outcomes.set(key, "bad");
  }
  return outcomes;
}

/** The value of the reply's header as one text, or null. */
export function failedIn(headers: Readonly<Record<string, string | string[] | undefined>>) {
  const value = headers[FAILED_HEADER];
  if (value === undefined) return null;
  return typeof value === "string" ? value : value.join(",");
}

function indexesIn(failed: string | null): number[] {
  if (failed === null || failed === "") return [];
  return failed
    .split(",", DELIVERY_EVENTS_MAX)
    .filter((index) => /^ *\d{1,3} *$/.test(index))
    .map(Number);
}

function pinOf(header: string): Pin {
  const [, revision, epoch] = PIN.exec(header) ?? [];
  if (revision !== undefined && epoch !== undefined) return { revision, epoch: Number(epoch) };
  throw invalid(PIN_HEADER, "<revision>@<epoch>");
}

function keysOf(header: string): readonly string[] {
  const keys = header.length > KEYS_CHARACTERS_MAX ? [] : header.split(",");
  if (keys.length > 0 && keys.every((key) => KEY.test(key))) return keys;
  const expected = `1 to ${DELIVERY_EVENTS_MAX} times 16 hex digits, separated by commas`;
  throw invalid(KEYS_HEADER, expected);
}

function invalid(header: string, expected: string): Error {
  return gatewayErrors.error("DELIVERY_HEADER_INVALID", { given: { header, expected } });
}
