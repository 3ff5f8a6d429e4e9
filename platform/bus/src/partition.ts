/** Where a key's events go: the same in every carrier and after every restart. */
import { hash } from "node:crypto";
import { PARTITIONS } from "./carrier.ts";

/** The partition of an ordering key. */
export function partitionOfKey(key: string, partitions: number = PARTITIONS): number {
  return Number.parseInt(hash("sha256", key, "hex").slice(0, 8), 16) % partitions;
}
