import { Button, Skeleton } from "@mantine/core";
import { useRouter } from "@tanstack/react-router";
import { Link } from "../navigation.tsx";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { EmptyNote, Page, SkeletonRows } from "@tideway/ui";
import { messages } from "../messages.ts";
import { Failure } from "../parts/failure.tsx";

/** While the session or a screen is on its way. */
export function LoadingPage() {
  return (
    <div className="w-narrow" aria-busy="true">
      <div className="w-stack">
        <Skeleton height={40} width={200} />
        <Skeleton height={44} />
        <div className="tw-card">
          <SkeletonRows rows={3} />
        </div>
      </div>
    </div>
  );
}

/** A screen that could not be shown: identity did not answer, or a bug of ours. */
export function CrashPage({ error }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <div className="w-narrow">
      <Page title={messages.appName} titleHidden>
        <Failure error={error} onRetry={() => void router.invalidate()} />
      </Page>
    </div>
  );
}

export function NotFoundPage() {
  return (
    <div className="w-narrow">
      <Page title={messages.errors.notFoundTitle} titleHidden>
        <div className="tw-card">
          <EmptyNote
            title={messages.errors.notFoundTitle}
            action={
              <Button variant="default" renderRoot={(props) => <Link to="/" {...props} />}>
                {messages.common.home}
              </Button>
            }
          >
            {messages.errors.notFoundText}
          </EmptyNote>
        </div>
      </Page>
    </div>
  );
}
