import { useFreshness } from "../data/live-provider.tsx";
import { ago, clockTime, duration } from "../domain/format.ts";
import { staleWords } from "../domain/stale-words.ts";
import { describeFailure } from "./failure.tsx";

/** How old the data on this page is. Not a live region: it changes each second. */
export function Freshness() {
  const { stream, fetchedAtMs, ageMs, isStale } = useFreshness();
  if (fetchedAtMs === null) {
    return <span className="freshness">{stream === "lost" ? "no connection" : "loading"}</span>;
  }
  const age = `${duration(ageMs)} ago`;
  const isPolling = stream !== "live";
  return (
    <span
      className="freshness"
      data-state={isStale ? "stale" : "fresh"}
      title={
        isPolling
          ? "Without the live stream; asked each 2 s."
          : "Live: changes arrive by themselves."
      }
    >
      <span className="freshness-dot" aria-hidden />
      <span>
        {isStale ? "stale, " : <span className="wide-only">updated </span>}
        {age}
        {isPolling && !isStale ? <span className="wide-only">, polling</span> : null}
      </span>
    </span>
  );
}

/** Says so when control, or what it asks, no longer answers; what is shown stays, with its time. */
export function StaleBanner() {
  const { fetchedAtMs, ageMs, isStale, reason } = useFreshness();
  if (!isStale || fetchedAtMs === null) return null;
  const { title, meanwhile } = staleWords(reason === null ? null : describeFailure(reason));
  return (
    <output className="tw-note stale-banner" data-tone="warn">
      <strong>{title}</strong>
      {/* Only the words above are announced; the age changes each second. */}
      <span aria-hidden>
        What you see is from {clockTime(fetchedAtMs)}, {ago(fetchedAtMs, fetchedAtMs + ageMs)}.{" "}
        {meanwhile} This page tries again by itself.
      </span>
    </output>
  );
}
