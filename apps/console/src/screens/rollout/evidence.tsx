import type { Rollout, VerdictView } from "@tideway/api-admin";
import { StateChip } from "@tideway/ui";
import type { Tone } from "@tideway/ui";
import { evidenceFill, evidenceNumber } from "../../domain/evidence.ts";
import { count } from "../../domain/format.ts";
import { isUnderWay } from "../../domain/rollout-words.ts";

/** What the judge saw and what it makes of it. */
export function Evidence({ rollout }: { readonly rollout: Rollout }) {
  const { verdict } = rollout;
  if (verdict === null) {
    return (
      <section className="tw-card evidence-none">
        <p className="tw-muted">
          {isUnderWay(rollout.state) ? "The judge has not looked yet" : "The judge never looked"}:
          no person was seen by {rollout.to}.
        </p>
      </section>
    );
  }
  const { evidence } = verdict;
  return (
    <section className="stack" aria-label="Evidence">
      <div className="figures">
        <PairFigure
          title="People seen"
          stable={rollout.from === null ? null : evidence.peopleStable}
          candidate={evidence.peopleCandidate}
        />
        <PairFigure
          title="People with a bad event"
          stable={rollout.from === null ? null : evidence.badStable}
          candidate={evidence.badCandidate}
        />
        <Meter
          title="Evidence for worse"
          value={evidence.worse}
          limit={evidence.worseLimit}
          tone="bad"
        />
        <Meter
          title="Evidence for good enough"
          value={evidence.good}
          limit={evidence.goodLimit}
          tone="good"
        />
      </div>
      <p className="verdict">
        <StateChip tone={VERDICT_TONES[verdict.verdict]} shape="plain">
          {verdict.verdict}
        </StateChip>
        <span>{verdict.reason}</span>
      </p>
    </section>
  );
}

interface PairFigureProps {
  readonly title: string;
  /** Null for the first revision of a service, which has no stable one beside it. */
  readonly stable: number | null;
  readonly candidate: number;
}

function PairFigure({ title, stable, candidate }: PairFigureProps) {
  return (
    <dl className="figure tw-card">
      <dt>{title}</dt>
      <dd className="figure-pair">
        {stable === null ? null : (
          <span data-role="stable">
            <strong>{count(stable)}</strong> stable
          </span>
        )}
        <span data-role="candidate">
          <strong>{count(candidate)}</strong> candidate
        </span>
      </dd>
    </dl>
  );
}

interface MeterProps {
  readonly title: string;
  readonly value: number;
  readonly limit: number;
  readonly tone: "bad" | "good";
}

function Meter({ title, value, limit, tone }: MeterProps) {
  return (
    <dl className="figure tw-card">
      <dt>{title}</dt>
      <dd>
        <span>
          <strong>{evidenceNumber(value)}</strong> of {count(limit)}
        </span>
        {/* The words above say the same; the bar is for the eye. */}
        <div className="meter" aria-hidden>
          <div data-tone={tone} style={{ width: `${evidenceFill(value, limit) * 100}%` }} />
        </div>
      </dd>
    </dl>
  );
}

const VERDICT_TONES: Record<VerdictView["verdict"], Tone> = {
  pass: "good",
  fail: "bad",
  inconclusive: "quiet",
};
