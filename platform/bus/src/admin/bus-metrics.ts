/** What the bus tells Prometheus; read from memory when it is asked. */
import type { Metrics } from "@tideway/telemetry";
import type { BusHealth, GroupView } from "../config.ts";
import type { Relays } from "../relay/relays.ts";

export interface Measured {
  readonly relays: Pick<Relays, "all">;
  readonly groups: () => Promise<readonly GroupView[]>;
  readonly durability: BusHealth["durability"];
}

/** Gauges and counters of all groups and relays; call the answer before each reading of them. */
export function registerMetrics(metrics: Metrics, measured: Measured): () => Promise<void> {
  const byGroup = ["group"] as const;
  const lag = metrics.gauge(
    "lag_events",
    "Events not completed yet, parked ones included.",
    byGroup,
  );
  const age = metrics.gauge("lag_age_seconds", "Age of the oldest of them.", byGroup);
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
  metrics
    .gauge("durable", "0 while a loss of power may cost acknowledged events.")
    .set(measured.durability.isDurable ? 1 : 0);
  return async () => {
    const views = await measured.groups();
    for (const metric of [lag, age, quarantined, suspended, inFlight, unrelayed]) metric.reset();
    for (const metric of [applied, tries, relayed]) metric.reset();
    for (const view of views) {
      const labels = { group: view.group };
      lag.set(labels, view.lag);
      age.set(labels, view.lagAgeMs / 1_000);
      quarantined.set(labels, view.keysQuarantined);
      suspended.set(labels, view.state === "suspended" ? 1 : 0);
      inFlight.set(labels, view.inFlight);
      applied.inc(labels, view.appliedTotal);
      tries.inc(labels, view.failedTotal);
    }
    for (const relay of measured.relays.all) {
      unrelayed.set({ producer: relay.service }, relay.oldestAgeMs / 1_000);
      relayed.inc({ producer: relay.service }, relay.relayedTotal);
    }
  };
}
