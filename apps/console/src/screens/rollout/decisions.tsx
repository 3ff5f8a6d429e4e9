import type { Decision } from "@tideway/api-admin";
import { useServerNow } from "../../data/use-now.ts";
import { marksOf } from "../../domain/chart-series.ts";
import { moment } from "../../domain/format.ts";

/** The log in sentences, newest first; the numbers are the marks of the chart. */
export function Decisions({ decisions }: { readonly decisions: readonly Decision[] }) {
  const nowMs = useServerNow();
  const byTime = decisions.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const numbered = marksOf(decisions).map((mark, index) => ({ mark, decision: byTime[index] }));
  return (
    <section className="stack">
      <h2>Decisions</h2>
      {numbered.length === 0 ? (
        <p className="tw-card evidence-none tw-muted">Nothing was decided yet.</p>
      ) : (
        <ol className="decisions tw-card" reversed>
          {numbered.toReversed().map(({ mark, decision }) => (
            <li key={mark.number}>
              <span className="mark-number" aria-hidden>
                {mark.number}
              </span>
              <div>
                <p>{mark.text}</p>
                <p className="tw-muted small">
                  <time dateTime={decision?.at}>{moment(mark.atSeconds * 1_000, nowMs)}</time>
                  {decision === undefined ? "" : `, by ${decision.by}`}
                </p>
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
