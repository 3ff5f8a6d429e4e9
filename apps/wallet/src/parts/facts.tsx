import type { ReactNode } from "react";

export interface FactsProps {
  /** Label and value; a null value leaves the line out. */
  readonly facts: readonly (readonly [label: string, value: ReactNode])[];
}

/** A short list of labelled facts, as on the review. */
export function Facts({ facts }: FactsProps) {
  return (
    <dl className="tw-card w-facts">
      {facts.map(([label, value]) =>
        value === null ? null : (
          <div key={label} className="w-fact">
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
