import { Link } from "@tanstack/react-router";
import type { SagaDetail } from "@tideway/api-admin";
import { CopyId } from "@tideway/ui";
import { useState } from "react";
import { useServerNow } from "../../data/use-now.ts";
import { moment } from "../../domain/format.ts";
import { ageWords, dueWords, isOver, sagaMeaning, sagaName } from "../../domain/saga-words.ts";
import { ResultNote } from "../../parts/result-note.tsx";
import { SagaState } from "../../parts/saga-state.tsx";
import { SagaActions } from "./saga-actions.tsx";

/** What it is, how it stands, and the buttons. */
export function SagaHeader({ detail }: { readonly detail: SagaDetail }) {
  const [result, setResult] = useState<string | null>(null);
  const { saga, steps } = detail;
  return (
    <header className="rollout-head">
      <div className="rollout-line">
        <div className="rollout-title" aria-hidden>
          <span>{sagaName(saga)}</span>
        </div>
        <SagaState saga={saga} shape="plain" />
        <SagaActions detail={detail} onResult={setResult} />
      </div>
      <SagaFacts detail={detail} />
      <p>{sagaMeaning(saga, steps)}</p>
      <ResultNote result={result} onDismiss={() => setResult(null)} />
    </header>
  );
}

function SagaFacts({ detail: { service, saga } }: { readonly detail: SagaDetail }) {
  const nowMs = useServerNow();
  const due = dueWords(saga, nowMs);
  const age = ageWords(saga, nowMs);
  return (
    <div>
      <p className="rollout-facts">
        <span>
          of{" "}
          <Link to="/services/$service" params={{ service }}>
            {service}
          </Link>
        </span>
        <span>
          begun <strong>{moment(Date.parse(saga.startedAt), nowMs)}</strong>
        </span>
        <span>
          {isOver(saga) ? null : "for "}
          <strong>{age}</strong>
        </span>
        {due === null ? null : (
          <span>
            goes on <strong>{due}</strong>
          </span>
        )}
      </p>
      <p className="rollout-facts">
        <CopyId id={saga.saga} what="saga" />
        {saga.traceId === null ? null : <CopyId id={saga.traceId} what="trace" />}
      </p>
    </div>
  );
}
