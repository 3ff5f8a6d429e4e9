import { Button } from "@mantine/core";
import { messages } from "../messages.ts";
import { Failure } from "./failure.tsx";

export interface MoreButtonProps {
  readonly list: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly isFetchNextPageError: boolean;
    readonly error: unknown;
    readonly fetchNextPage: () => Promise<unknown>;
  };
}

/** The way on in a long list; nothing when the list is whole. */
export function MoreButton({ list }: MoreButtonProps) {
  const more = (): void => void list.fetchNextPage();
  if (list.isFetchNextPageError) return <Failure error={list.error} onRetry={more} />;
  if (!list.hasNextPage) return null;
  const { showMore, loadingMore } = messages.common;
  return (
    <div className="w-center">
      <Button variant="default" onClick={more} disabled={list.isFetchingNextPage}>
        {list.isFetchingNextPage ? loadingMore : showMore}
      </Button>
    </div>
  );
}
