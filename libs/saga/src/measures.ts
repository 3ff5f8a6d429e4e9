/** Counters and gauges of sagas, by their names. */
import type { Metrics } from "@tideway/telemetry";
import type { Phase } from "./machine/state.ts";
import type { Unfinished } from "./store/upkeep.ts";

export interface SagaMeasures {
  started(name: string): void;
  ended(name: string, state: Phase): void;
  /** `carried` tells whether this revision can carry a version on. */
  unfinished(all: readonly Unfinished[], carried: (one: Unfinished) => boolean): void;
}

export function createMeasures(metrics: Metrics): SagaMeasures {
  const labels = ["saga"] as const;
  const started = metrics.counter("sagas_started", "Sagas that began.", labels);
  const completed = metrics.counter("sagas_completed", "Sagas that went through.", labels);
  const compensated = metrics.counter("sagas_compensated", "Sagas that were undone.", labels);
  const running = metrics.gauge("sagas_running", "Sagas under way.", labels);
  const age = metrics.gauge("sagas_oldest_seconds", "Age of the oldest saga under way.", labels);
  const attention = metrics.gauge("sagas_attention", "Sagas an operator should look at.", labels);
  const foreign = metrics.gauge(
    "sagas_of_other_versions",
    "Sagas under way by a version that this revision does not carry.",
    labels,
  );
  return {
    started: (saga) => started.inc({ saga }),
    ended: (saga, state) => (state === "completed" ? completed : compensated).inc({ saga }),
    unfinished: (all, carried) => {
      for (const gauge of [running, age, attention, foreign]) gauge.reset();
      for (const one of all) {
        const { name: saga, count, oldestSeconds } = one;
        running.inc({ saga }, count);
        attention.inc({ saga }, one.attention);
        foreign.inc({ saga }, carried(one) ? 0 : count);
        age.set({ saga }, Math.max(oldestSeconds, 0));
      }
    },
  };
}
