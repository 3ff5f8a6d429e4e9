/** Paired lines on one axis. Charts on the same page share their crosshair. */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ChartSeries, Mark, Metric } from "../domain/chart-series.ts";
import { chartData, chartOptions } from "./chart-options.ts";
import { readoutOf, titleOfMetric } from "./readout.ts";
import type { LaneNames } from "./readout.ts";

export interface TimeChartProps {
  readonly series: ChartSeries;
  readonly metric: Metric;
  readonly names: LaneNames;
  readonly marks: readonly Mark[];
  readonly heightPx: number;
}

export function TimeChart({ series, metric, names, marks, heightPx }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const latest = useRef({ series, marks });
  const [index, setIndex] = useState<number | null>(null);
  const scheme = useComputedColorScheme("light");
  const hasStable = names.stable !== null;

  useEffect(() => {
    // New data is handed to the chart that is there; a new chart would lose the crosshair.
    latest.current = { series, marks };
    plot.current?.setData(chartData(series));
  }, [series, marks]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const options = chartOptions({
      metric,
      widthPx: element.clientWidth,
      heightPx,
      hasStable,
      scheme,
      marks: () => latest.current.marks,
      onIndex: setIndex,
    });
    const chart = new UPlot(options, chartData(latest.current.series), element);
    plot.current = chart;
    const resize = new ResizeObserver(() => {
      chart.setSize({ width: element.clientWidth, height: heightPx });
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [metric, heightPx, scheme, hasStable]);

  return (
    <figure className="chart">
      <figcaption>
        <strong>{titleOfMetric(metric)}</strong>
        <Readout series={series} metric={metric} names={names} index={index} />
      </figcaption>
      <div ref={box} className="chart-box" aria-hidden style={{ height: heightPx }} />
      <CrosshairSlider
        series={series}
        metric={metric}
        names={names}
        index={index}
        onMove={(to) => placeCrosshair(plot.current, series, to)}
      />
    </figure>
  );
}

interface ReadoutProps {
  readonly series: ChartSeries;
  readonly metric: Metric;
  readonly names: LaneNames;
  readonly index: number | null;
}

/** The values under the crosshair, else the newest ones; this is the legend too. */
function Readout({ series, metric, names, index }: ReadoutProps) {
  const { time, lanes } = readoutOf(series, metric, names, index);
  return (
    <span className="readout" aria-live={index === null ? "off" : "polite"}>
      <span className="tw-muted">{time}</span>
      {lanes.map((lane) => (
        <span key={lane.role} data-role={lane.role}>
          <span className="readout-line" aria-hidden />
          {lane.name} <strong>{lane.value}</strong>
          <span className="tw-muted">{lane.weight}</span>
        </span>
      ))}
    </span>
  );
}

interface CrosshairSliderProps extends ReadoutProps {
  readonly onMove: (index: number) => void;
}

/** The crosshair for the keyboard and for screen readers: a slider over the points. */
function CrosshairSlider({ series, metric, names, index, onMove }: CrosshairSliderProps) {
  const last = series.times.length - 1;
  const { time, lanes } = readoutOf(series, metric, names, index);
  const said = lanes.map((lane) => `${lane.name} ${lane.value}${lane.weight}`).join(", ");
  return (
    <input
      type="range"
      className="crosshair"
      aria-label={`${titleOfMetric(metric)} over time`}
      aria-valuetext={`${time}: ${said}`}
      min={0}
      max={last}
      value={Math.min(index ?? last, last)}
      onChange={(event) => onMove(event.currentTarget.valueAsNumber)}
    />
  );
}

function placeCrosshair(plot: UPlot | null, series: ChartSeries, index: number): void {
  const time = series.times[index];
  if (plot === null || time === undefined) return;
  plot.setCursor({ left: plot.valToPos(time, "x"), top: plot.over.clientHeight / 2 });
}
