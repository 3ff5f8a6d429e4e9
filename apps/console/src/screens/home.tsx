import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Rollout } from "@tideway/api-admin";
import { EmptyNote, Page, StateChip } from "@tideway/ui";
import type { ReactNode } from "react";
import { attentionQuery, eventGroupsQuery } from "../data/backbone-queries.ts";
import { latestRolloutsQuery, statusQuery } from "../data/queries.ts";
import type { Status } from "../data/admin.ts";
import { useFailure } from "../data/use-failure.ts";
import { useNow, useServerNow } from "../data/use-now.ts";
import { groupNeeds, sagaNeeds, unknownNeed } from "../domain/backbone-needs.ts";
import { countdownWords } from "../domain/countdown.ts";
import { ago, revisionNumber, weightPercent } from "../domain/format.ts";
import { byGravity, needsOf, underWay } from "../domain/needs-me.ts";
import type { Need } from "../domain/needs-me.ts";
import { stepWords } from "../domain/rollout-words.ts";
import { Failure, describeFailure } from "../parts/failure.tsx";
import { NeedRow } from "../parts/need-row.tsx";

/** "What needs me?" in one column of sentences, each with its one action. */
export function HomeScreen() {
  const status = useQuery(statusQuery);
  const names = status.data?.services.map(({ service }) => service) ?? [];
  const latest = useQuery({ ...latestRolloutsQuery(names), enabled: status.data !== undefined });
  const nowMs = useServerNow();
  const backbone = useBackboneNeeds(status.data, nowMs);
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
  const own = needsOf({ parts, services, rollouts: latest.data, nowMs });
  const needs = byGravity([...own, ...backbone.needs]);
  const checkedAtMs = Math.min(status.dataUpdatedAt, latest.dataUpdatedAt);
  return (
    <HomePage>
      {needs.length > 0 ? (
        <ol className="needs tw-card">
          {needs.map((need) => (
            <NeedRow key={need.key} need={need} />
          ))}
        </ol>
      ) : (
        <Nothing isPending={backbone.isPending}>
          <Calm checkedAtMs={checkedAtMs} serviceCount={services.length} />
        </Nothing>
      )}
      <UnderWay rollouts={underWay(latest.data)} nowMs={nowMs} />
    </HomePage>
  );
}

interface BackboneNeeds {
  readonly needs: readonly Need[];
  /** True before both were asked for once: without needs it is not calm yet. */
  readonly isPending: boolean;
}

/** What of events and sagas needs somebody. */
function useBackboneNeeds(status: Status | undefined, nowMs: number): BackboneNeeds {
  const awake = (status?.services ?? [])
    .filter(({ health }) => health !== "asleep")
    .map(({ service }) => service);
  const groups = useQuery(eventGroupsQuery);
  const groupsFailure = useFailure(groups);
  const attention = useQuery({ ...attentionQuery(awake), enabled: status !== undefined });
  const failure = attention.error ?? attention.data?.failure ?? null;
  // A bus that is down is told as a part of the platform already.
  const isBusDown = status?.parts.some(({ part, state }) => part === "bus" && state === "down");
  const isAsked = groupsFailure === null || isBusDown === true;
  const needs = [
    ...groupNeeds(groups.data ?? [], nowMs),
    ...sagaNeeds(attention.data?.sagas ?? []),
    ...(isAsked ? [] : [unknownNeed("events", describeFailure(groupsFailure))]),
    ...(failure === null ? [] : [unknownNeed("sagas", describeFailure(failure))]),
  ];
  return {
    needs,
    isPending: (groups.data === undefined && groupsFailure === null) || attention.isPending,
  };
}

/** Calm is said only once everything was asked. */
function Nothing(props: { readonly isPending: boolean; readonly children: ReactNode }) {
  return props.isPending ? <NeedsSkeleton /> : props.children;
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
          : "Releases that wait for you, services that fail, events and sagas that are stuck appear here."}
      </EmptyNote>
    </div>
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
