/** Who calls the internal listener, recognised by the hash of its secret. */
import { commonErrors } from "@tideway/kernel";
import { authHashOf, sameDigest } from "@tideway/trust";
import { CALLER_CACHE_MAX } from "./limits.ts";
import type { CallerEntry, Table } from "./table.ts";

interface Proven {
  readonly instance: string;
  readonly authHash: string;
}

export class Callers {
  /** By the header's value, which holds the secret: proven before, so its hash is known. */
  readonly #proven = new Map<string, Proven>();

  /** The caller. Throws CALLER_UNKNOWN. */
  identify(header: string | null, table: Table, nowMs: number): CallerEntry {
    if (header === null) throw unknown("no tideway-instance header");
    const proven = this.#proven.get(header) ?? this.#prove(header);
    const entry = table.caller(proven.instance, nowMs);
    if (entry === null || !sameDigest(proven.authHash, entry.authHash)) {
      this.#proven.delete(header);
      throw unknown("no such instance, or another secret");
    }
    return entry;
  }

  #prove(header: string): Proven {
    const colon = header.indexOf(":");
    if (colon < 1) throw unknown("the header is not <instance>:<secret>");
    const proven = {
      instance: header.slice(0, colon),
      authHash: authHashOf(header.slice(colon + 1)),
    };
    if (this.#proven.size >= CALLER_CACHE_MAX) {
      const oldest = this.#proven.keys().next().value;
      if (oldest !== undefined) this.#proven.delete(oldest);
    }
    this.#proven.set(header, proven);
    return proven;
  }
}

function unknown(reason: string): Error {
  return commonErrors.error("CALLER_UNKNOWN", { given: { reason } });
}
