import { useQuery } from "@tanstack/react-query";
import { EmptyNote, Page, SkeletonRows } from "@tideway/ui";
import { AUDIT_ENTRIES_MAX, auditQuery } from "../data/queries.ts";
import { useServerNow } from "../data/use-now.ts";
import type { AuditEntry } from "../data/admin.ts";
import { moment } from "../domain/format.ts";
import { Failure } from "../parts/failure.tsx";
import { TextWithIds } from "../parts/text-with-ids.tsx";

/** What operators did, newest first. */
export function AuditScreen() {
  const audit = useQuery(auditQuery);
  return (
    <Page title="Audit" appName="Tideway console">
      <AuditBody
        entries={audit.data?.entries}
        error={audit.error}
        onRetry={() => void audit.refetch()}
      />
    </Page>
  );
}

interface AuditBodyProps {
  readonly entries: readonly AuditEntry[] | undefined;
  readonly error: unknown;
  readonly onRetry: () => void;
}

function AuditBody({ entries, error, onRetry }: AuditBodyProps) {
  const nowMs = useServerNow();
  if (entries === undefined) {
    if (error !== null) return <Failure error={error} onRetry={onRetry} />;
    return (
      <div className="tw-card">
        <SkeletonRows rows={6} />
      </div>
    );
  }
  if (entries.length === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title="Nothing was done yet">
          Each release, pause, promotion, abort, rollback and sign-in of an operator is kept here.
        </EmptyNote>
      </div>
    );
  }
  return (
    <>
      <div className="tw-card table-box">
        <table className="facts audit-table">
          <caption className="tw-hidden">What operators did, newest first</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Operator</th>
              <th scope="col">Did</th>
              <th scope="col">To</th>
              <th scope="col">Detail</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry, index) => (
              // Entries have no id; newest first, each is told by its distance from the oldest.
              <tr key={entries.length - index}>
                <td className="tw-muted">
                  <time dateTime={entry.at}>{moment(Date.parse(entry.at), nowMs)}</time>
                </td>
                <td>{entry.operator}</td>
                <td>{entry.action}</td>
                <td>
                  <TextWithIds text={entry.subject} />
                </td>
                <td className="wrap">
                  <TextWithIds text={entry.detail} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {entries.length < AUDIT_ENTRIES_MAX ? null : (
        <p className="tw-muted small">The newest {AUDIT_ENTRIES_MAX} are shown.</p>
      )}
    </>
  );
}
