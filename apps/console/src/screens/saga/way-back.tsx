import type { SagaDetail } from "@tideway/api-admin";
import { Icon, StateChip } from "@tideway/ui";
import type { IconName, Tone } from "@tideway/ui";
import { counted } from "../../domain/format.ts";
import { undoWords, wayBackOf } from "../../domain/saga-timeline.ts";
import type { StepBack } from "../../domain/saga-timeline.ts";

/** The way back: what was done, the last step first, and what was sent to undo it. */
export function WayBack({ detail }: { readonly detail: SagaDetail }) {
  const { saga, steps, service } = detail;
  const back = wayBackOf(saga, steps);
  return (
    <section className="stack">
      <h2>The way back</h2>
      {back.length === 0 ? (
        <p className="tw-card evidence-none tw-muted">
          No step was done, so nothing needs undoing.
        </p>
      ) : (
        <ol className="timeline tw-card" data-way="back" aria-label="The way back">
          {back.map(({ step, state }) => (
            <li
              className="timeline-step"
              key={step.step}
              aria-current={state === "undoing" ? "step" : undefined}
            >
              <span className="timeline-mark" data-tone={LOOKS[state].tone} aria-hidden>
                <Icon name={LOOKS[state].sign} size={12} />
              </span>
              <div className="timeline-body">
                <p className="timeline-head">
                  <strong>{step.step}</strong>
                  <StateChip tone={LOOKS[state].tone} sign={LOOKS[state].sign} shape="plain">
                    {LOOKS[state].word}
                  </StateChip>
                </p>
                {step.undo === null ? null : (
                  <p className="small undo">
                    <code>{undoWords(service, step.undo)}</code>
                  </p>
                )}
                {state === "undoing" && saga.attempts > 0 ? (
                  <p className="small step-problem">
                    {counted(saga.attempts, "failed try", "failed tries")} of the undo so far.
                  </p>
                ) : null}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

const LOOKS: Record<
  StepBack["state"],
  { readonly word: string; readonly tone: Tone; readonly sign: IconName }
> = {
  undone: { word: "undone", tone: "good", sign: "check" },
  undoing: { word: "being undone", tone: "warn", sign: "back" },
  ahead: { word: "to be undone", tone: "quiet", sign: "dash" },
  nothing: { word: "nothing to undo", tone: "quiet", sign: "dash" },
};
