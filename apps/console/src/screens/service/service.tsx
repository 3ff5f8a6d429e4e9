import { Skeleton, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Page } from "@tideway/ui";
import { useState } from "react";
import type { ServiceDetail } from "../../data/admin.ts";
import { serviceQuery } from "../../data/queries.ts";
import { SERVICE_TABS } from "../../domain/search.ts";
import type { ServiceTab } from "../../domain/search.ts";
import { lanesOfService } from "../../domain/service-view.ts";
import { Failure } from "../../parts/failure.tsx";
import { HealthChip } from "../../parts/health-chip.tsx";
import { Lanes } from "../../parts/lanes.tsx";
import { ResultNote } from "../../parts/result-note.tsx";
import { InstancesTab } from "./instances-tab.tsx";
import { LogsTab } from "./logs-tab.tsx";
import { RevisionsTab } from "./revisions-tab.tsx";
import { RolloutsTab } from "./rollouts-tab.tsx";

/** One service: its lanes, and behind tabs its instances, revisions, rollouts and logs. */
export function ServiceScreen() {
  const { service } = useParams({ from: "/services/$service" });
  const detail = useQuery(serviceQuery(service));
  const back = (
    <Link className="back small" to="/services">
      All services
    </Link>
  );
  if (detail.data === undefined) {
    return (
      <Page title={service} appName="Tideway console" back={back}>
        {detail.error === null ? (
          <ServiceSkeleton />
        ) : (
          <Failure error={detail.error} onRetry={() => void detail.refetch()} />
        )}
      </Page>
    );
  }
  return (
    <Page
      title={service}
      appName="Tideway console"
      back={back}
      aside={<HealthChip service={detail.data.service} />}
    >
      <ServiceBody detail={detail.data} />
    </Page>
  );
}

function ServiceBody({ detail }: { readonly detail: ServiceDetail }) {
  const { service } = detail;
  const search = useSearch({ from: "/services/$service" });
  const navigate = useNavigate({ from: "/services/$service" });
  const [result, setResult] = useState<string | null>(null);
  const lanes = lanesOfService(service);
  const tab = search.tab ?? "instances";
  const openTab = (value: string | null): void => {
    const next = SERVICE_TABS.find((name) => name === value);
    void navigate({ search: next === undefined || next === "instances" ? {} : { tab: next } });
  };
  return (
    <>
      <ResultNote result={result} onDismiss={() => setResult(null)} />
      {service.rollout === null || service.candidate === null ? null : (
        <p className="tw-note" data-tone="candidate">
          <span>
            {service.candidate} is being released.{" "}
            <Link to="/rollouts/$rolloutId" params={{ rolloutId: service.rollout }}>
              Watch the rollout
            </Link>
          </span>
        </p>
      )}
      {lanes.length === 0 ? null : <Lanes lanes={lanes} shareOf="requests of the last minute" />}
      <Tabs value={tab} onChange={openTab} keepMounted={false}>
        <Tabs.List>
          {SERVICE_TABS.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {TAB_LABELS[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="instances">
          <InstancesTab service={service} />
        </Tabs.Panel>
        <Tabs.Panel value="revisions">
          <RevisionsTab detail={detail} onResult={setResult} />
        </Tabs.Panel>
        <Tabs.Panel value="rollouts">
          <RolloutsTab rollouts={detail.rollouts} service={service.service} />
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          <LogsTab service={service.service} revisions={detail.revisions} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

const TAB_LABELS: Record<ServiceTab, string> = {
  instances: "Instances",
  revisions: "Revisions",
  rollouts: "Rollouts",
  logs: "Logs",
};

function ServiceSkeleton() {
  return (
    <section className="stack" aria-busy="true" aria-label="Loading">
      <div className="lanes tw-card">
        <div className="lane">
          <Skeleton height={20} width={96} />
          <Skeleton height={20} className="lane-bar" />
          <Skeleton height={20} width={64} />
          <Skeleton height={20} width="100%" />
        </div>
      </div>
      <Skeleton height={36} width="min(360px, 100%)" />
      <Skeleton height={180} />
    </section>
  );
}
