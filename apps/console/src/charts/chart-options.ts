/** How uPlot draws: the tokens' colours, one axis from zero, gaps where nothing was measured. */
import { dark, fontText, light } from "@tideway/ui/tokens";
import type { Palette } from "@tideway/ui/tokens";
import type UPlot from "uplot";
import { aloneAt } from "../domain/chart-series.ts";
import type { ChartSeries, Mark, Metric } from "../domain/chart-series.ts";
import { clockTime } from "../domain/format.ts";
import { axisText } from "./readout.ts";

export interface ChartOptionsInput {
  readonly metric: Metric;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly hasStable: boolean;
  readonly scheme: "light" | "dark";
  readonly marks: () => readonly Mark[];
  /** The bucket under the crosshair; null when it left. */
  readonly onIndex: (index: number | null) => void;
}

/** Charts with this key move their crosshairs together. */
const SYNC_KEY = "console";
const MARK_SPACE_PX = 20;
/** Two hex digits behind a colour: the grid is as faint as a card's edge. */
const GRID_ALPHA = "22";
/** Narrower than this, times go without their seconds. */
const NARROW_PX = 480;

export function chartData(series: ChartSeries): UPlot.AlignedData {
  return [series.times, series.stable, series.candidate];
}

export function chartOptions(input: ChartOptionsInput): UPlot.Options {
  const colors = input.scheme === "dark" ? dark : light;
  const axis = {
    stroke: colors.muted,
    font: `12px ${fontText}`,
    grid: { stroke: `${colors.text}${GRID_ALPHA}`, width: 1 },
    ticks: { show: false },
  };
  const isNarrow = input.widthPx < NARROW_PX;
  const time = (seconds: number): string => clockTime(seconds * 1_000).slice(0, isNarrow ? 5 : 8);
  const isStrip = input.metric === "traffic";
  const line = { width: 2, spanGaps: false, points: { show: false, size: 6, filter: dots } };
  return {
    width: input.widthPx,
    height: input.heightPx,
    padding: [isStrip ? 8 : MARK_SPACE_PX, isNarrow ? 20 : 32, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: SYNC_KEY }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_, __, max) => [0, topOf(input.metric, max)] } },
    axes: [
      { ...axis, space: isNarrow ? 56 : 72, size: 28, values: (_, times) => times.map(time) },
      {
        ...axis,
        space: isStrip ? 28 : 40,
        size: 62,
        values: (_, values) => values.map((value) => axisText(input.metric, value)),
      },
    ],
    series: [
      {},
      { ...line, label: "stable", stroke: colors.tide, show: input.hasStable },
      // Dashed, so that the two are told apart without colour.
      { ...line, label: "candidate", stroke: colors.candidate, dash: [6, 3] },
    ],
    hooks: {
      setCursor: [(plot) => input.onIndex(isInside(plot) ? (plot.cursor.idx ?? null) : null)],
      draw: [(plot) => drawMarks(plot, input.marks(), colors)],
    },
  };
}

/** Lines have no points, except where a value stands alone between gaps. */
function dots(plot: UPlot, lane: number): number[] {
  return aloneAt(Array.from(plot.data[lane] ?? []));
}

function isInside(plot: UPlot): boolean {
  return (plot.cursor.left ?? -1) >= 0;
}

/** A flat line at zero still needs an axis; a little room keeps the highest point off the edge. */
function topOf(metric: Metric, max: number | null): number {
  const least = { errors: 0.1, latency: 10, traffic: 1 }[metric];
  return Math.max(least, (max ?? 0) * 1.15);
}

/** A line at each decision with its number in the log. Numbers that would overlap are left out. */
function drawMarks(plot: UPlot, marks: readonly Mark[], colors: Palette): void {
  const { ctx, bbox, scales } = plot;
  const from = scales["x"]?.min ?? 0;
  const to = scales["x"]?.max ?? 0;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colors.muted;
  ctx.fillStyle = colors.text;
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.font = `500 ${12 * ratio}px ${fontText}`;
  ctx.textAlign = "center";
  let lastLabelX = Number.NEGATIVE_INFINITY;
  for (const mark of marks) {
    if (mark.atSeconds < from || mark.atSeconds > to) continue;
    const x = Math.round(plot.valToPos(mark.atSeconds, "x", true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (x - lastLabelX < 16 * ratio) continue;
    ctx.fillText(String(mark.number), x, bbox.top - 6 * ratio);
    lastLabelX = x;
  }
  ctx.restore();
}
