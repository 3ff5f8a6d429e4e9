/** What the bus tells Prometheus; read from memory when it is asked. */
import { systemClock } from "@tideway/kernel";
import type { Metrics } from "@tideway/telemetry";
import type { Deliveries } from "../delivery/deliveries.ts";
import type { Relays } from "../relay/relays.ts";
import { groupView } from "./group-view.ts";

/** Gauges and counters of all groups and relays; call the answer before each reading of them. */
export function registerMetrics(
  metrics: Metrics,
  deliveries: Deliveries,
  relays: Relays,
): () => void {
  const byGroup = ["group"] as const;
  const lag = metrics.gauge("lag_events", "Events of the log not completed yet.", byGroup);
  const age = metrics.gauge("lag_age_seconds", "Age of the oldest event in memory.", byGroup);
  const quarantined = metrics.gauge("keys_quarantined", "Keys in quarantine.", byGroup);
  const suspended = metrics.gauge("suspended", "1 while the group is suspended.", byGroup);
  const inFlight = metrics.gauge("in_flight_events", "Events being delivered.", byGroup);
  const unrelayed = metrics.gauge(
    "unrelayed_age_seconds",
    "Age of the oldest event in the outbox at the last look.",
    ["producer"] as const,
  );
  const applied = metrics.counter("applied", "Events that an instance applied.", byGroup);
  const tries = metrics.counter("failed_tries", "Tries that an instance failed.", byGroup);
  const relayed = metrics.counter("relayed", "Events taken into the log.", ["producer"] as const);
  return () => {
    for (const metric of [lag, age, quarantined, suspended, inFlight, unrelayed]) metric.reset();
    for (const metric of [applied, tries, relayed]) metric.reset();
    for (const flow of deliveries.flows) {
      if (flow.name.replay !== 0) continue;
      const view = groupView(flow, systemClock.now());
      const labels = { group: view.group };
      lag.set(labels, view.lag);
      age.set(labels, view.lagAgeMs / 1_000);
      quarantined.set(labels, view.keysQuarantined);
      suspended.set(labels, view.state === "suspended" ? 1 : 0);
      inFlight.set(labels, view.inFlight);
      applied.inc(labels, view.appliedTotal);
      tries.inc(labels, view.failedTotal);
    }
    for (const relay of relays.all) {
      unrelayed.set({ producer: relay.service }, relay.oldestAgeMs / 1_000);
      relayed.inc({ producer: relay.service }, relay.relayedTotal);
    }
  };
}
