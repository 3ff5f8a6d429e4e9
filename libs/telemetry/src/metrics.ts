/** RED metrics (rate, errors, duration) and a registry per process, in Prometheus' text format. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export interface RequestMeasure {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface Metrics {
  readonly registry: Registry;
  request(measure: RequestMeasure): void;
  /** `tideway_<service>_<what>_<unit>_total` */
  counter<L extends string>(what: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string>(what: string, help: string, labels?: readonly L[]): Gauge<L>;
}

/** Names follow `tideway_<service>_...`; dashes of the service become underscores. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  const prefix = `tideway_${service.replaceAll("-", "_")}`;
  const durations = new Histogram({
    name: `${prefix}_request_duration_seconds`,
    help: "Time from the request's arrival to the end of its reply.",
    labelNames: ["method", "route", "status"],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers: [registry],
  });
  return {
    registry,
    request: ({ method, route, status, durationMs }) => {
      durations.observe({ method, route, status: String(status) }, durationMs / 1_000);
    },
    counter: (what, help, labels = []) =>
      new Counter({
        name: `${prefix}_${what}_total`,
        help,
        labelNames: [...labels],
        registers: [registry],
      }),
    gauge: (what, help, labels = []) =>
      new Gauge({
        name: `${prefix}_${what}`,
        help,
        labelNames: [...labels],
        registers: [registry],
      }),
  };
}
