import type { SagaDetail } from "@tideway/api-admin";
import type { SagaStep } from "@tideway/schema";
import { Icon, StateChip } from "@tideway/ui";
import { Fragment } from "react";
import { useServerNow } from "../../data/use-now.ts";
import { counted, elapsed, moment } from "../../domain/format.ts";
import {
  isPastPivot,
  lineWords,
  pivotIndexOf,
  stepMs,
  stepTries,
  undoWords,
} from "../../domain/saga-timeline.ts";
import { isGivenUp, kindWords, splitProblem, stepLook } from "../../domain/saga-words.ts";
import { TextWithIds } from "../../parts/text-with-ids.tsx";

/** The way forward: each step in its order, and the line behind which there is no way back. */
export function Timeline({ detail }: { readonly detail: SagaDetail }) {
  const { saga, steps, service } = detail;
  const nowMs = useServerNow();
  const pivot = pivotIndexOf(steps);
  return (
    <section className="stack">
      <h2>Steps</h2>
      <ol className="timeline tw-card" aria-label="Steps">
        {steps.map((step, index) => (
          <Fragment key={step.step}>
            {index === pivot ? (
              <li className="pivot-line" data-passed={isPastPivot(saga, steps)}>
                <span>{lineWords(saga, steps)}</span>
              </li>
            ) : null}
            <Step
              step={step}
              service={service}
              isAt={saga.step === step.step && saga.state !== "completed"}
              isGoingBack={isGivenUp(saga)}
              nowMs={nowMs}
            />
          </Fragment>
        ))}
      </ol>
    </section>
  );
}

interface StepProps {
  readonly step: SagaStep;
  readonly service: string;
  readonly isAt: boolean;
  readonly isGoingBack: boolean;
  readonly nowMs: number;
}

function Step({ step, service, isAt, isGoingBack, nowMs }: StepProps) {
  const { word, tone, sign } = stepLook(step.state, isGoingBack);
  const undo = undoWords(service, step.undo);
  return (
    <li className="timeline-step" data-state={step.state} aria-current={isAt ? "step" : undefined}>
      <span className="timeline-mark" data-tone={tone} aria-hidden>
        <Icon name={sign} size={12} />
      </span>
      <div className="timeline-body">
        <p className="timeline-head">
          <strong>{step.step}</strong>
          <span className="tw-muted">{kindWords(step.kind)}</span>
          <StateChip tone={tone} sign={sign} shape="plain">
            {word}
          </StateChip>
        </p>
        <p className="rollout-facts small">
          {factsOf(step, isGoingBack, nowMs).map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </p>
        {undo === null ? null : (
          <p className="small tw-muted undo">
            Its undo, as kept: <code>{undo}</code>
          </p>
        )}
        {step.problem === null || isGoingBack ? null : <StepProblem problem={step.problem} />}
      </div>
    </li>
  );
}

function factsOf(step: SagaStep, isGoingBack: boolean, nowMs: number): string[] {
  const isTried = step.finishedAt !== null || !isGoingBack;
  const tookMs = isTried ? stepMs(step, nowMs) : null;
  const begun = step.startedAt === null ? null : moment(Date.parse(step.startedAt), nowMs);
  const ended = step.finishedAt === null ? null : moment(Date.parse(step.finishedAt), nowMs);
  const failed = counted(step.attempts, "failed try", "failed tries");
  if (begun === null) return [step.attempts === 0 ? "not begun" : failed];
  const tries = ended === null ? failed : counted(stepTries(step), "try", "tries");
  const length = tookMs === null ? null : `${ended === null ? "for" : "took"} ${elapsed(tookMs)}`;
  return [`begun ${begun}`, ended === null ? null : `finished ${ended}`, length, tries].filter(
    (fact) => fact !== null,
  );
}

function StepProblem({ problem }: { readonly problem: string }) {
  const { code, detail } = splitProblem(problem);
  return (
    <p className="small step-problem">
      <code>{code}</code> <TextWithIds text={detail} />
    </p>
  );
}
