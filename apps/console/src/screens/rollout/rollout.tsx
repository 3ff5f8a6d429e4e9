import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { Rollout } from "@tideway/api-admin";
import { Page } from "@tideway/ui";
import { rolloutQuery } from "../../data/queries.ts";
import { Failure } from "../../parts/failure.tsx";
import { Lanes } from "../../parts/lanes.tsx";
import { isUnderWay } from "../../domain/rollout-words.ts";
import { lanesNote, lanesOf, titleOf } from "../../domain/rollout-view.ts";
import { Aftermath } from "./aftermath.tsx";
import { Decisions } from "./decisions.tsx";
import { Evidence } from "./evidence.tsx";
import { Measurements } from "./measurements.tsx";
import { RolloutHeader } from "./rollout-header.tsx";

/** A release as it happens: who gets how much, how both do, what the judge thinks of it. */
export function RolloutScreen() {
  const { rolloutId } = useParams({ from: "/rollouts/$rolloutId" });
  const rollout = useQuery(rolloutQuery(rolloutId));
  if (rollout.data === undefined) {
    return (
      <Page title="Rollout" appName="Tideway console" titleHidden={rollout.error === null}>
        {rollout.error === null ? (
          <RolloutSkeleton />
        ) : (
          <Failure error={rollout.error} onRetry={() => void rollout.refetch()} />
        )}
      </Page>
    );
  }
  return (
    <Page title={titleOf(rollout.data)} appName="Tideway console" titleHidden>
      <RolloutBody rollout={rollout.data} />
    </Page>
  );
}

function RolloutBody({ rollout }: { readonly rollout: Rollout }) {
  const isOver = !isUnderWay(rollout.state);
  return (
    <>
      <Link
        className="back small"
        to="/services/$service"
        params={{ service: rollout.service }}
        search={{ tab: "rollouts" }}
      >
        All rollouts of {rollout.service}
      </Link>
      <RolloutHeader rollout={rollout} />
      <Lanes lanes={lanesOf(rollout)} note={lanesNote(rollout)} shareOf="people" />
      <Evidence rollout={rollout} />
      {isOver ? <Aftermath rollout={rollout} /> : null}
      <div className="halves">
        <Measurements rollout={rollout} />
        <Decisions decisions={rollout.decisions} />
      </div>
    </>
  );
}

function RolloutSkeleton() {
  return (
    <section className="stack" aria-busy="true" aria-label="Loading">
      <Skeleton height={36} width="min(420px, 80%)" />
      <Skeleton height={16} width="min(560px, 100%)" />
      <div className="lanes tw-card">
        {["stable", "candidate"].map((lane) => (
          <div className="lane" key={lane}>
            <Skeleton height={20} width={96} />
            <Skeleton height={20} className="lane-bar" />
            <Skeleton height={20} width={64} />
            <Skeleton height={20} width="100%" />
          </div>
        ))}
      </div>
      <div className="figures">
        {["people", "bad", "evidence"].map((figure) => (
          <Skeleton key={figure} height={96} />
        ))}
      </div>
      <Skeleton height={280} />
    </section>
  );
}
