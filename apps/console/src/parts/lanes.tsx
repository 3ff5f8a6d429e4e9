/** The lanes: how much each really gets, and how it does. The heart of the page. */
import type { LaneNumbers } from "@tideway/api-admin";
import { latency, perSecond, ratePercent, sharePercent } from "../domain/format.ts";

export interface LaneView {
  readonly role: "stable" | "candidate";
  readonly revision: string;
  /** Null while the lane has no numbers at all. */
  readonly numbers: LaneNumbers | null;
  /** Percent that really arrives; null when nothing was measured. */
  readonly share: number | null;
  /** Percent that is wanted; a notch in the bar shows it. */
  readonly wanted: number | null;
}

export interface LanesProps {
  readonly lanes: readonly LaneView[];
  /** Said above the lanes when they do not show the present. */
  readonly note?: string | null;
  /** What a share is of: "people" or "requests". */
  readonly shareOf: string;
}

export function Lanes({ lanes, note = null, shareOf }: LanesProps) {
  return (
    <div className="stack">
      {note === null ? null : <p className="tw-muted small">{note}</p>}
      <ul className="lanes tw-card" aria-label="Lanes">
        {lanes.map((lane) => (
          <Lane key={lane.role} lane={lane} shareOf={shareOf} />
        ))}
      </ul>
    </div>
  );
}

function Lane({ lane, shareOf }: { readonly lane: LaneView; readonly shareOf: string }) {
  const { role, revision, numbers, share, wanted } = lane;
  return (
    <li className="lane" data-role={role}>
      <div className="lane-name">
        <span className="lane-role">{role}</span>
        <strong>{revision}</strong>
      </div>
      <div className="lane-bar" aria-hidden>
        <div className="lane-fill" style={{ width: `${share ?? 0}%` }} />
        {wanted === null ? null : <div className="lane-wanted" style={{ left: `${wanted}%` }} />}
      </div>
      <div className="lane-share" data-measured={share !== null}>
        {share === null ? (
          <span className="tw-muted">no requests yet</span>
        ) : (
          <>
            {sharePercent(share)} <span className="tw-hidden">of {shareOf}</span>
          </>
        )}
      </div>
      <LaneFacts numbers={numbers} isSilent={share === null} />
    </li>
  );
}

function LaneFacts(props: { readonly numbers: LaneNumbers | null; readonly isSilent: boolean }) {
  const { numbers } = props;
  const ready = numbers?.instances.filter(({ status }) => status === "ready").length ?? 0;
  const total = numbers?.instances.length ?? 0;
  const isMeasured = numbers !== null && (numbers.badRate !== null || numbers.p99Ms !== null);
  return (
    <dl className="lane-facts">
      {isMeasured ? (
        <>
          <Fact label="errors">{ratePercent(numbers.badRate)}</Fact>
          <Fact label="p99">{latency(numbers.p99Ms)}</Fact>
          <Fact label="requests/s">{perSecond(numbers.requestsPerSecond)}</Fact>
        </>
      ) : (
        <div className="lane-silent tw-muted" data-said={!props.isSilent}>
          <dt className="tw-hidden">numbers</dt>
          <dd>{props.isSilent ? "none" : "no requests in the last minute"}</dd>
        </div>
      )}
      <Fact label={total === 1 ? "instance" : "instances"}>
        {ready === total ? String(total) : `${ready} of ${total}`}
      </Fact>
    </dl>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: string }) {
  return (
    <div className="lane-fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
