import { SegmentedControl, Skeleton, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Rollout } from "@tideway/api-admin";
import { useMemo } from "react";
import { SeriesTable } from "../../charts/series-table.tsx";
import { TimeChart } from "../../charts/time-chart.tsx";
import { metricsQuery } from "../../data/queries.ts";
import { serverNow } from "../../data/server-clock.ts";
import { buildSeries, isEmptySeries, marksOf, windowOf } from "../../domain/chart-series.ts";
import type { ChartSeries, Metric } from "../../domain/chart-series.ts";
import { ROLLOUT_TABS } from "../../domain/search.ts";
import type { RolloutSearch } from "../../domain/search.ts";
import { Failure } from "../../parts/failure.tsx";

const BUCKET_SECONDS = { 5: 5, 15: 15 } as const;

/** Errors or latency of both lanes, as lines or as a table; the choice is in the address. */
export function Measurements({ rollout }: { readonly rollout: Rollout }) {
  const search = useSearch({ from: "/rollouts/$rolloutId" });
  const navigate = useNavigate({ from: "/rollouts/$rolloutId" });
  const choose = (next: RolloutSearch): void => {
    void navigate({ search: next, replace: true });
  };
  const { tab = "errors", view = "chart" } = search;
  const minutes = search.minutes ?? windowOf(rollout, serverNow());
  return (
    <section className="stack">
      <h2>Measurements</h2>
      <div className="tw-card measurements">
        <Tabs
          value={tab}
          onChange={(value) => {
            const { tab: _, ...rest } = search;
            choose(value === "latency" ? { ...rest, tab: "latency" } : rest);
          }}
        >
          <div className="measurements-head">
            <Tabs.List>
              {ROLLOUT_TABS.map((name) => (
                <Tabs.Tab key={name} value={name}>
                  {name === "errors" ? "Errors" : "Latency"}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Choices minutes={minutes} view={view} search={search} onChoose={choose} />
          </div>
          {ROLLOUT_TABS.map((name) => (
            <Tabs.Panel key={name} value={name}>
              {tab === name ? (
                <Measured rollout={rollout} metric={name} minutes={minutes} view={view} />
              ) : null}
            </Tabs.Panel>
          ))}
        </Tabs>
      </div>
    </section>
  );
}

interface ChoicesProps {
  readonly minutes: 5 | 15;
  readonly view: "chart" | "table";
  readonly search: RolloutSearch;
  readonly onChoose: (search: RolloutSearch) => void;
}

function Choices({ minutes, view, search, onChoose }: ChoicesProps) {
  return (
    <div className="measurements-choices">
      <SegmentedControl
        size="xs"
        aria-label="How much of the past"
        value={String(minutes)}
        data={[
          { value: "5", label: "5 min" },
          { value: "15", label: "15 min" },
        ]}
        onChange={(value) => onChoose({ ...search, minutes: value === "15" ? 15 : 5 })}
      />
      <SegmentedControl
        size="xs"
        aria-label="How it is shown"
        value={view}
        data={[
          { value: "chart", label: "Lines" },
          { value: "table", label: "Table" },
        ]}
        onChange={(value) => {
          const { view: _, ...rest } = search;
          onChoose(value === "table" ? { ...rest, view: "table" } : rest);
        }}
      />
    </div>
  );
}

interface MeasuredProps {
  readonly rollout: Rollout;
  readonly metric: "errors" | "latency";
  readonly minutes: 5 | 15;
  readonly view: "chart" | "table";
}

function Measured({ rollout, metric, minutes, view }: MeasuredProps) {
  const metrics = useQuery(metricsQuery(rollout.service, minutes * 60));
  const points = metrics.data?.points;
  const { from, to, decisions } = rollout;
  const [main, traffic] = useMemo(() => {
    const seriesOf = (of: Metric): ChartSeries =>
      buildSeries(points ?? [], {
        metric: of,
        stable: from,
        candidate: to,
        bucketSeconds: BUCKET_SECONDS[minutes],
        windowSeconds: minutes * 60,
        endSeconds: serverNow() / 1_000,
      });
    return [seriesOf(metric), seriesOf("traffic")];
  }, [points, metric, minutes, from, to]);
  const marks = useMemo(() => marksOf(decisions), [decisions]);
  if (points === undefined) {
    if (metrics.error === null) return <Skeleton height={300} mt={12} />;
    return <Failure error={metrics.error} onRetry={() => void metrics.refetch()} />;
  }
  if (isEmptySeries(main)) {
    return (
      <p className="tw-muted measurements-none">
        No requests in the last {minutes} minutes. Measurements are kept for fifteen.
      </p>
    );
  }
  const names = { stable: from, candidate: to };
  if (view === "table") return <SeriesTable series={main} metric={metric} names={names} />;
  return (
    <>
      <TimeChart series={main} metric={metric} names={names} marks={marks} heightPx={232} />
      <TimeChart series={traffic} metric="traffic" names={names} marks={[]} heightPx={112} />
      <p className="tw-muted small">
        Each point is {BUCKET_SECONDS[minutes]} s
        {metric === "latency" ? ", the p99 of its slowest second" : ""}. Numbers above the lines are
        the decisions.
      </p>
    </>
  );
}
