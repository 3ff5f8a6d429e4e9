/**
 * How urgent a delivery is, by the shedding class that the producers declare for its types. The
 * consuming instance lets go of the least urgent requests first when it has too many.
 */
import type { SheddingClass } from "@tideway/schema";
import type { BusConfig } from "../config.ts";

/** The urgency of RFC 9218, from 0, the most urgent, to 7. */
export type Urgency = 1 | 3 | 7;

const URGENCY: Readonly<Record<SheddingClass, Urgency>> = { critical: 1, normal: 3, bulk: 7 };

export class Urgencies {
  #byType: ReadonlyMap<string, Urgency> = new Map();

  /** Learns the classes; where two revisions differ on a type, the more urgent one holds. */
  configure({ services }: BusConfig): void {
    const byType = new Map<string, Urgency>();
    for (const { revisions } of services) {
      for (const { type, shedding } of revisions.flatMap(({ emits }) => emits)) {
        const urgency = URGENCY[shedding];
        if (urgency < (byType.get(type) ?? Infinity)) byType.set(type, urgency);
      }
    }
    this.#byType = byType;
  }

  /** Of the most urgent event; a type that nobody declares any more counts as normal. */
  of(events: readonly { readonly type: string }[]): Urgency {
    let most: Urgency | null = null;
    for (const { type } of events) {
      const urgency = this.#byType.get(type) ?? URGENCY.normal;
      if (most === null || urgency < most) most = urgency;
    }
    return most ?? URGENCY.normal;
  }
}
