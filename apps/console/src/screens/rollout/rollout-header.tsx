import { Link } from "@tanstack/react-router";
import type { Rollout } from "@tideway/api-admin";
import { useState } from "react";
import { useServerNow } from "../../data/use-now.ts";
import { countdownWords } from "../../domain/countdown.ts";
import { revisionNumber, sharePercent, weightPercent } from "../../domain/format.ts";
import { isUnderWay, meaningOf, stepWeights, stepWords } from "../../domain/rollout-words.ts";
import { ResultNote } from "../../parts/result-note.tsx";
import { RolloutStateChip } from "../../parts/rollout-state-chip.tsx";
import { RolloutActions } from "./rollout-actions.tsx";

export function RolloutHeader({ rollout }: { readonly rollout: Rollout }) {
  const [result, setResult] = useState<string | null>(null);
  return (
    <header className="rollout-head">
      <div className="rollout-line">
        <div className="rollout-title" aria-hidden>
          <Link to="/services/$service" params={{ service: rollout.service }} tabIndex={-1}>
            {rollout.service}
          </Link>
          <span className="rollout-revisions">
            {rollout.from === null ? null : (
              <>
                <span data-role="stable">{revisionNumber(rollout.from)}</span>
                <span className="tw-muted">{"\u2192"}</span>
              </>
            )}
            <span data-role="candidate">{revisionNumber(rollout.to)}</span>
          </span>
        </div>
        <RolloutStateChip state={rollout.state} shape="plain" />
        <RolloutActions rollout={rollout} onResult={setResult} />
      </div>
      <Steps rollout={rollout} />
      <p>{meaningOf(rollout)}</p>
      <ResultNote result={result} onDismiss={() => setResult(null)} />
    </header>
  );
}

/** Step, wanted and actual share, and the clock, with the way of the weights drawn below. */
function Steps({ rollout }: { readonly rollout: Rollout }) {
  const nowMs = useServerNow();
  const step = stepWords(rollout);
  const hasWeight = isUnderWay(rollout.state) && rollout.state !== "starting";
  return (
    <>
      <p className="rollout-facts">
        {step === null ? <span>first revision, no steps</span> : <span>{step}</span>}
        {hasWeight ? (
          <span>
            <strong>{weightPercent(rollout.weight)}</strong> wanted
          </span>
        ) : null}
        {hasWeight ? (
          <span>
            {rollout.actualShare === null ? (
              "no requests yet"
            ) : (
              <>
                <strong>{sharePercent(rollout.actualShare)}</strong> actual
              </>
            )}
          </span>
        ) : null}
        <span>{countdownWords(rollout, nowMs)}</span>
      </p>
      {step === null ? null : <StepTrack rollout={rollout} />}
    </>
  );
}

function StepTrack({ rollout }: { readonly rollout: Rollout }) {
  const weights = stepWeights(rollout);
  const isOver = !isUnderWay(rollout.state);
  const stateOf = (index: number): "done" | "now" | "ahead" => {
    if (rollout.state === "promoted" || index < rollout.step) return "done";
    return index === rollout.step && !isOver && rollout.state !== "starting" ? "now" : "ahead";
  };
  return (
    <ol className="steps" aria-label="Steps" data-state={rollout.state}>
      {weights.map((weight, index) => (
        <li
          key={weight}
          data-step={stateOf(index)}
          aria-current={stateOf(index) === "now" ? "step" : undefined}
        >
          <span>{weightPercent(weight)}</span>
          <span className="tw-hidden">{stateOf(index)}</span>
        </li>
      ))}
    </ol>
  );
}
