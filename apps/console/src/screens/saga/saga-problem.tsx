import { Link } from "@tanstack/react-router";
import type { SagaDetail } from "@tideway/api-admin";
import { quoted } from "../../domain/format.ts";
import { problemRemedy, splitProblem } from "../../domain/saga-words.ts";

/** What went wrong last, what to do about it, and where to look. */
export function SagaProblem({ detail: { service, saga, steps } }: { readonly detail: SagaDetail }) {
  if (saga.problem === null || saga.state === "completed") return null;
  const { code, detail } = splitProblem(saga.problem);
  const called = steps.find(({ step }) => step === saga.step)?.undo?.service ?? "self";
  const logs = [service, ...(called === "self" || called === service ? [] : [called])];
  return (
    <div className="tw-note" data-tone={toneOf(saga)}>
      <p className="tw-note-title">{titleOf(saga)}</p>
      <p>{detail === "" ? "Nothing more was said about it." : detail}</p>
      <p>{problemRemedy(service, saga, steps)}</p>
      <p className="tw-note-facts">
        <span>
          code <code>{code}</code>
        </span>
        {saga.state === "compensated"
          ? null
          : logs.map((name) => (
              <Link
                key={name}
                to="/services/$service"
                params={{ service: name }}
                search={{ tab: "logs" }}
              >
                Logs of {name}
              </Link>
            ))}
      </p>
    </div>
  );
}

function titleOf({ state, step, attempts }: SagaDetail["saga"]): string {
  if (state === "compensated") return "Why it was given up";
  if (state !== "compensating") return `The step ${quoted(step)} failed`;
  return attempts === 0 ? "Why it was given up" : `The undo of ${quoted(step)} failed`;
}

function toneOf({ state, needsAttention }: SagaDetail["saga"]): "bad" | "warn" | "quiet" {
  if (state === "compensated") return "quiet";
  return needsAttention ? "bad" : "warn";
}
