/** The ledger's own metrics; requests are measured by the HTTP library. */
import type { ServiceParts } from "@tideway/http";

export type Measures = ReturnType<typeof createMeasures>;

export function createMeasures(metrics: ServiceParts["metrics"]) {
  return {
    made: metrics.counter("transfers_made", "Transfers committed, without repeats.", ["kind"]),
    refused: metrics.counter("transfers_refused", "Transfers refused, by error code.", ["code"]),
    released: metrics.counter("holds_expired", "Holds given back because their time was over."),
    imbalance: metrics.gauge(
      "imbalance_minor",
      "Minor units by which the books of an asset are wrong; anything but 0 is an alarm.",
      ["asset"],
    ),
    checkedAt: metrics.gauge(
      "checked_at_seconds",
      "When the books were last recomputed, in seconds since 1970.",
    ),
  };
}
