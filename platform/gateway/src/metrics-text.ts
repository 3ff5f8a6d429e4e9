/** The counters in Prometheus' text format, version 0.0.4. */
import { LATENCY_BUCKETS_MS } from "./config.ts";
import type { Revision } from "./revision.ts";
import type { Service } from "./service.ts";
import type { Table } from "./table.ts";

type Line = readonly [labels: Readonly<Record<string, string>>, value: number];

export function metricsText(table: Table, logLinesDropped: number): string {
  const services = [...table.services.values()];
  const revisions = [...table.revisions()];
  const each = (read: (revision: Revision) => number): Line[] =>
    revisions.map((revision) => [labelsOf(revision), read(revision)]);
  const perService = (read: (service: Service) => number): Line[] =>
    services.map((service) => [{ service: service.name }, read(service)]);
  return [
    family("config_epoch", "gauge", "The epoch in force.", [[{}, table.epoch]]),
    family(
      "requests_total",
      "counter",
      "First attempts.",
      each((one) => one.counters.requests),
    ),
    family(
      "bad_total",
      "counter",
      "First attempts that went wrong.",
      revisions.flatMap((one): Line[] => [
        [{ ...labelsOf(one), reason: "5xx" }, badStatuses(one)],
        [{ ...labelsOf(one), reason: "timeout" }, one.counters.timeouts],
        [{ ...labelsOf(one), reason: "lost" }, one.counters.lost],
      ]),
    ),
    family(
      "answers_total",
      "counter",
      "Answers by class of status.",
      revisions.flatMap((one): Line[] => [
        [{ ...labelsOf(one), class: "2xx" }, one.counters.status2xx],
        [{ ...labelsOf(one), class: "4xx" }, one.counters.status4xx],
        [{ ...labelsOf(one), class: "5xx" }, one.counters.status5xx],
      ]),
    ),
    family(
      "in_flight",
      "gauge",
      "Requests under way.",
      each((one) => one.inFlight),
    ),
    family(
      "endpoints_healthy",
      "gauge",
      "Endpoints that get requests.",
      each((one) => one.endpoints.filter((endpoint) => endpoint.healthy).length),
    ),
    family(
      "queued",
      "gauge",
      "Requests that wait.",
      perService((one) => one.waiting),
    ),
    family(
      "weight_percent",
      "gauge",
      "The candidate's share of people.",
      perService((one) => one.split.weight),
    ),
    family("log_lines_dropped_total", "counter", "Access log lines lost to a slow disk.", [
      [{}, logLinesDropped],
    ]),
    durations(revisions),
  ].join("");
}

function badStatuses(revision: Revision): number {
  const { bad, timeouts, lost } = revision.counters;
  return bad - timeouts - lost;
}

function labelsOf(revision: Revision): Record<string, string> {
  return { service: revision.service, revision: revision.id };
}

function durations(revisions: readonly Revision[]): string {
  const lines = revisions.flatMap((revision): string[] => {
    const labels = labelsOf(revision);
    const { latency, latencySumMs } = revision.counters;
    let sum = 0;
    const buckets = latency.map((count, index) => {
      sum += count;
      const boundMs = LATENCY_BUCKETS_MS[index];
      const le = boundMs === undefined ? "+Inf" : String(boundMs / 1_000);
      return line("request_duration_seconds_bucket", { ...labels, le }, sum);
    });
    return [
      ...buckets,
      line("request_duration_seconds_sum", labels, latencySumMs / 1_000),
      line("request_duration_seconds_count", labels, sum),
    ];
  });
  const help = "From a request's arrival to the end of its first attempt.";
  return header("request_duration_seconds", "histogram", help) + lines.join("");
}

function family(name: string, type: string, help: string, lines: readonly Line[]): string {
  return (
    header(name, type, help) + lines.map(([labels, value]) => line(name, labels, value)).join("")
  );
}

function header(name: string, type: string, help: string): string {
  return `# HELP tideway_gateway_${name} ${help}\n# TYPE tideway_gateway_${name} ${type}\n`;
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  // Names of services and revisions hold neither quotes nor backslashes: the configuration's check.
  const text = Object.entries(labels)
    .map(([key, label]) => `${key}="${label}"`)
    .join(",");
  return `tideway_gateway_${name}${text === "" ? "" : `{${text}}`} ${value}\n`;
}
