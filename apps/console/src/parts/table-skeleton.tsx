import { Skeleton } from "@mantine/core";

/** A table that is on its way: a name, a state, and facts in each row. */
export function TableSkeleton({ rows }: { readonly rows: number }) {
  return (
    <section className="tw-card table-box" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <div className="skeleton-row" key={row}>
          <Skeleton height={16} width={`${92 - (row % 3) * 12}%`} />
          <Skeleton height={16} width="min(88px, 100%)" />
          <Skeleton height={16} width={`${84 - (row % 4) * 9}%`} />
        </div>
      ))}
    </section>
  );
}
