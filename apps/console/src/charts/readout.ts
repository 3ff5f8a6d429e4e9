/** A chart's values in words: for the crosshair, the axis and the table. */
import { unreachable } from "@tideway/kernel";
import type { ChartSeries, LaneName, Metric } from "../domain/chart-series.ts";
import { clockTime, count, latency, perSecond, ratePercent } from "../domain/format.ts";

export interface LaneNames {
  /** Null when there is no stable revision to compare with. */
  readonly stable: string | null;
  readonly candidate: string;
}

export interface LaneReadout {
  readonly role: LaneName;
  readonly name: string;
  readonly value: string;
  /** " of 412 requests": how much the value weighs; empty where the value itself is a count. */
  readonly weight: string;
}

export function titleOfMetric(metric: Metric): string {
  return { errors: "Bad requests", latency: "p99 latency", traffic: "Requests/s" }[metric];
}

/** A value with its unit; what was not measured is said so. */
export function valueText(metric: Metric, value: number | null): string {
  if (value === null) return "no requests";
  switch (metric) {
    case "errors":
      return ratePercent(value / 100);
    case "latency":
      return latency(value);
    case "traffic":
      return perSecond(value);
    default:
      return unreachable(metric);
  }
}

/** The readout at bucket `index`; null or out of range: the newest bucket. */
export function readoutOf(
  series: ChartSeries,
  metric: Metric,
  names: LaneNames,
  index: number | null,
): { readonly time: string; readonly lanes: LaneReadout[] } {
  const last = series.times.length - 1;
  const at = index === null || index > last ? last : index;
  const time = series.times[at];
  const laneOf = (role: LaneName, name: string): LaneReadout => {
    const value = series[role][at] ?? null;
    const requests = series.requests[role][at] ?? 0;
    const hasWeight = metric === "errors" && value !== null;
    return {
      role,
      name,
      value: valueText(metric, value),
      weight: hasWeight ? ` of ${count(requests)}` : "",
    };
  };
  const candidate = laneOf("candidate", names.candidate);
  return {
    time: time === undefined ? "" : clockTime(time * 1_000),
    lanes: names.stable === null ? [candidate] : [laneOf("stable", names.stable), candidate],
  };
}

/** Short texts for the axis. */
export function axisText(metric: Metric, value: number): string {
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 3 }).format(value);
  if (metric === "errors") return `${number}\u00a0%`;
  if (metric === "traffic") return number;
  return value >= 1_000 ? `${value / 1_000}\u00a0s` : `${number}\u00a0ms`;
}
