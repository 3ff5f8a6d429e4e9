import { Skeleton } from "@mantine/core";
import { useWords } from "./words.ts";

export interface SkeletonRowsProps {
  readonly rows: number;
  /** Two lines a row, as in lists with a second, quiet line. */
  readonly lines?: 1 | 2;
}

/** A list that is on its way, in the shape it will have. */
export function SkeletonRows({ rows, lines = 2 }: SkeletonRowsProps) {
  const { loading } = useWords();
  return (
    <div className="tw-rows" aria-busy="true">
      <span className="tw-hidden">{loading}</span>
      {Array.from({ length: rows }, (_, row) => (
        <div className="tw-row" key={row}>
          <div className="tw-row-main">
            <Skeleton height={14} width={`${56 - (row % 3) * 9}%`} />
            {lines === 2 ? <Skeleton height={12} width="34%" mt={8} /> : null}
          </div>
          <div className="tw-row-side">
            <Skeleton height={14} width={84} />
            {lines === 2 ? <Skeleton height={12} width={52} mt={8} /> : null}
          </div>
        </div>
      ))}
    </div>
  );
}
