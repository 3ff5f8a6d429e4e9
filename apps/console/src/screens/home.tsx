import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Rollout } from "@tideway/api-admin";
import { EmptyNote, Page, StateChip } from "@tideway/ui";
import type { ReactNode } from "react";
import { latestRolloutsQuery, statusQuery } from "../data/queries.ts";
import { useNow, useServerNow } from "../data/use-now.ts";
import { countdownWords } from "../domain/countdown.ts";
import { ago, revisionNumber, weightPercent } from "../domain/format.ts";
import { needsOf, underWay } from "../domain/needs-me.ts";
import type { Need } from "../domain/needs-me.ts";
import { stepWords } from "../domain/rollout-words.ts";
import { Failure } from "../parts/failure.tsx";

/** "What needs me?" in one column of sentences, each with its one action. */
export function HomeScreen() {
  const status = useQuery(statusQuery);
  const names = status.data?.services.map(({ service }) => service) ?? [];
  const latest = useQuery({ ...latestRolloutsQuery(names), enabled: status.data !== undefined });
  const nowMs = useServerNow();
  const error = status.error ?? latest.error;
  const isLoading = status.data === undefined || latest.data === undefined;
  if (isLoading) {
    return (
      <HomePage>
        {error === null ? (
          <NeedsSkeleton />
        ) : (
          <Failure error={error} onRetry={() => void status.refetch()} />
        )}
      </HomePage>
    );
  }
  const { parts, services } = status.data;
  const needs = needsOf({ parts, services, rollouts: latest.data, nowMs });
  const checkedAtMs = Math.min(status.dataUpdatedAt, latest.dataUpdatedAt);
  return (
    <HomePage>
      {needs.length === 0 ? (
        <Calm checkedAtMs={checkedAtMs} serviceCount={services.length} />
      ) : (
        <ol className="needs tw-card">
          {needs.map((need) => (
            <NeedRow key={need.key} need={need} />
          ))}
        </ol>
      )}
      <UnderWay rollouts={underWay(latest.data)} nowMs={nowMs} />
    </HomePage>
  );
}

function HomePage({ children }: { readonly children: ReactNode }) {
  return (
    <div className="column">
      <Page title="What needs you" appName="Tideway console">
        {children}
      </Page>
    </div>
  );
}

function Calm(props: { readonly checkedAtMs: number; readonly serviceCount: number }) {
  const nowMs = useNow();
  const checked = ago(props.checkedAtMs, Math.max(nowMs, props.checkedAtMs));
  return (
    <div className="tw-card">
      <EmptyNote title={`All calm. Checked ${checked}.`}>
        {props.serviceCount === 0
          ? "No service runs yet. Release the first with npx tideway deploy SERVICE."
          : "Releases that wait for you, services that fail and parts that are down appear here."}
      </EmptyNote>
    </div>
  );
}

function NeedRow({ need }: { readonly need: Need }) {
  return (
    <li className="need" data-tone={need.tone}>
      <StateChip tone={need.tone}>{need.word}</StateChip>
      <p>{need.sentence}</p>
      <NeedLink need={need} />
    </li>
  );
}

function NeedLink({ need }: { readonly need: Need }) {
  const { label, page, id } = need.target;
  if (page === "rollout" && id !== null) {
    return (
      <Link className="act" to="/rollouts/$rolloutId" params={{ rolloutId: id }}>
        {label}
      </Link>
    );
  }
  if ((page === "logs" || page === "service") && id !== null) {
    const search = page === "logs" ? { tab: "logs" as const } : {};
    return (
      <Link className="act" to="/services/$service" params={{ service: id }} search={search}>
        {label}
      </Link>
    );
  }
  return (
    <Link className="act" to="/services">
      {label}
    </Link>
  );
}

/** Releases that go well are below and quiet: nothing to do, but good to know. */
function UnderWay(props: { readonly rollouts: readonly Rollout[]; readonly nowMs: number }) {
  if (props.rollouts.length === 0) return null;
  return (
    <section className="stack">
      <h2>Under way by themselves</h2>
      <ul className="needs tw-card">
        {props.rollouts.map((rollout) => (
          <li className="need" key={rollout.rollout}>
            <StateChip tone="candidate">{rollout.state}</StateChip>
            <p>
              {rollout.service}{" "}
              {rollout.from === null ? "" : `${revisionNumber(rollout.from)} \u2192 `}
              {revisionNumber(rollout.to)}, {underWayFacts(rollout, props.nowMs)}.
            </p>
            <Link className="act" to="/rollouts/$rolloutId" params={{ rolloutId: rollout.rollout }}>
              Watch
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function underWayFacts(rollout: Rollout, nowMs: number): string {
  const facts = [stepWords(rollout), countdownWords(rollout, nowMs)];
  if (rollout.state === "progressing") facts.splice(1, 0, weightPercent(rollout.weight));
  return facts.filter((fact) => fact !== null).join(", ");
}

function NeedsSkeleton() {
  return (
    <section className="needs tw-card" aria-busy="true" aria-label="Loading">
      {[72, 58, 64].map((width) => (
        <div className="need" key={width}>
          <Skeleton height={20} width={72} />
          <Skeleton height={16} width={`${width}%`} />
          <Skeleton height={16} width={64} />
        </div>
      ))}
    </section>
  );
}
