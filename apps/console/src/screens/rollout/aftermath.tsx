import type { Rollout } from "@tideway/api-admin";
import { CopyId } from "@tideway/ui";
import { useServerNow } from "../../data/use-now.ts";
import { moment } from "../../domain/format.ts";
import { ScrollBox } from "../../parts/scroll-box.tsx";

/** What was kept of a candidate that went back: the requests that failed, and its last words. */
export function Aftermath({ rollout }: { readonly rollout: Rollout }) {
  const { badRequests, failureLog } = rollout;
  if (rollout.state !== "withdrawn" && rollout.state !== "failed" && badRequests.length === 0) {
    return null;
  }
  return (
    <>
      <BadRequests samples={badRequests} />
      <section className="stack">
        <h2>Last log lines of {rollout.to}</h2>
        {failureLog.length === 0 ? (
          <p className="tw-card evidence-none tw-muted">It wrote nothing before it ended.</p>
        ) : (
          <ScrollBox className="tw-card log-kept" label="Last log lines">
            <pre>{failureLog.join("\n")}</pre>
          </ScrollBox>
        )}
      </section>
    </>
  );
}

function BadRequests({ samples }: { readonly samples: Rollout["badRequests"] }) {
  const nowMs = useServerNow();
  if (samples.length === 0) return null;
  return (
    <section className="stack">
      <h2>Requests that failed</h2>
      <div className="tw-card table-box">
        <table className="facts bad-requests">
          <caption className="tw-hidden">Samples of failed requests of this rollout</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Lane</th>
              <th scope="col">Route</th>
              <th scope="col">Reason</th>
              <th scope="col" className="number">
                Status
              </th>
              <th scope="col">Trace</th>
            </tr>
          </thead>
          <tbody>
            {samples.map((sample) => (
              <tr key={`${sample.at} ${sample.lane} ${sample.route} ${sample.traceId ?? ""}`}>
                <td className="tw-muted">{moment(Date.parse(sample.at), nowMs)}</td>
                <td data-role={sample.lane} className="lane-revision">
                  {sample.lane}
                </td>
                <td className="wrap">
                  <code>{sample.route}</code>
                </td>
                <td>{sample.reason}</td>
                <td className="number">{sample.status ?? "none"}</td>
                <td>
                  {sample.traceId === null ? (
                    <span className="tw-muted">none</span>
                  ) : (
                    <CopyId
                      id={sample.traceId}
                      what="trace"
                      shown={`${sample.traceId.slice(0, 8)}\u2026`}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
