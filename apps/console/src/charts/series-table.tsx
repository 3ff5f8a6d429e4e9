import type { ChartSeries, Metric } from "../domain/chart-series.ts";
import { clockTime, count } from "../domain/format.ts";
import { ScrollBox } from "../parts/scroll-box.tsx";
import { titleOfMetric, valueText } from "./readout.ts";
import type { LaneNames } from "./readout.ts";

export interface SeriesTableProps {
  readonly series: ChartSeries;
  readonly metric: Metric;
  readonly names: LaneNames;
}

/** The lines as numbers, newest first. */
export function SeriesTable({ series, metric, names }: SeriesTableProps) {
  const { times, stable, candidate, requests } = series;
  return (
    <ScrollBox className="series-table" label={`${titleOfMetric(metric)}, table`}>
      <table className="facts">
        <thead>
          <tr>
            <th scope="col">From</th>
            {names.stable === null ? null : (
              <>
                <th scope="col" className="number">
                  {names.stable}
                </th>
                <th scope="col" className="number">
                  requests
                </th>
              </>
            )}
            <th scope="col" className="number">
              {names.candidate}
            </th>
            <th scope="col" className="number">
              requests
            </th>
          </tr>
        </thead>
        <tbody>
          {times
            .map((time, index) => (
              <tr key={time}>
                <th scope="row">{clockTime(time * 1_000)}</th>
                {names.stable === null ? null : (
                  <>
                    <td className="number">{valueText(metric, stable[index] ?? null)}</td>
                    <td className="number">{count(requests.stable[index] ?? 0)}</td>
                  </>
                )}
                <td className="number">{valueText(metric, candidate[index] ?? null)}</td>
                <td className="number">{count(requests.candidate[index] ?? 0)}</td>
              </tr>
            ))
            .toReversed()}
        </tbody>
      </table>
    </ScrollBox>
  );
}
