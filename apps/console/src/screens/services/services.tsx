import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Page, StateChip } from "@tideway/ui";
import type { Status } from "../../data/admin.ts";
import { statusQuery } from "../../data/queries.ts";
import { partWords } from "../../domain/service-view.ts";
import { Failure } from "../../parts/failure.tsx";
import { PART_TONES } from "../../parts/health-chip.tsx";
import { SearchField } from "../../parts/search-field.tsx";
import { TableSkeleton } from "../../parts/table-skeleton.tsx";
import { ServiceTable } from "./service-table.tsx";

/** Every service in a row, and the platform's own parts below. */
export function ServicesScreen() {
  const status = useQuery(statusQuery);
  const { q = "" } = useSearch({ from: "/services" });
  const navigate = useNavigate({ from: "/services" });
  return (
    <Page
      title="Services"
      appName="Tideway console"
      aside={
        <SearchField
          label="Filter services by name"
          placeholder="Filter by name  ( / )"
          value={q}
          onSearch={(text) => {
            void navigate({ search: text === "" ? {} : { q: text }, replace: true });
          }}
        />
      }
    >
      {status.data === undefined ? (
        <Missing error={status.error} onRetry={() => void status.refetch()} />
      ) : (
        <Services status={status.data} filter={q} />
      )}
    </Page>
  );
}

function Missing(props: { readonly error: unknown; readonly onRetry: () => void }) {
  if (props.error === null) return <TableSkeleton rows={5} />;
  return <Failure error={props.error} onRetry={props.onRetry} />;
}

function Services({ status, filter }: { readonly status: Status; readonly filter: string }) {
  const { services, parts } = status;
  const shown = services.filter(({ service }) => service.includes(filter.trim().toLowerCase()));
  return (
    <>
      <ServiceTable services={shown} all={services.length} filter={filter} />
      <Parts parts={parts} />
    </>
  );
}

function Parts({ parts }: { readonly parts: Status["parts"] }) {
  if (parts.length === 0) return null;
  return (
    <section className="stack">
      <h2>Platform</h2>
      <ul className="parts tw-card">
        {parts.map((part) => (
          <li key={part.part}>
            <strong>{part.part}</strong>
            <StateChip tone={PART_TONES[part.state]} shape="plain">
              {part.state}
            </StateChip>
            <span className="tw-muted small">{partWords(part)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
