import { messages } from "../messages.ts";
import { useTimes } from "./use-times.ts";
import { Live } from "./live.tsx";

export interface StaleNoteProps {
  readonly query: {
    readonly isRefetchError: boolean;
    readonly dataUpdatedAt: number;
  };
}

/** Says how old the shown data is when it could not be refreshed. */
export function StaleNote({ query }: StaleNoteProps) {
  const times = useTimes();
  return (
    <Live className="w-small tw-muted">
      {query.isRefetchError ? messages.errors.stale(times.time(query.dataUpdatedAt)) : ""}
    </Live>
  );
}
