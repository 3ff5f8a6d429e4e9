import { Button } from "@mantine/core";

export interface LoadMoreProps {
  /** What more there is: "older events". */
  readonly what: string;
  readonly isLoading: boolean;
  readonly onLoad: () => void;
}

/** Goes on with a list that was cut into pages. */
export function LoadMore({ what, isLoading, onLoad }: LoadMoreProps) {
  return (
    <div className="load-more">
      <Button variant="default" loading={isLoading} onClick={onLoad}>
        Load {what}
      </Button>
    </div>
  );
}
