import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "@mantine/core";
import { LiveProvider } from "../data/live-provider.tsx";
import { sessionQuery } from "../data/session.ts";
import { ConsoleShell } from "../parts/console-shell.tsx";
import { Failure } from "../parts/failure.tsx";
import { SignInScreen } from "./sign-in.tsx";

/** Shows the console to operators and the sign-in to everybody else, at whatever address. */
export function SessionGate() {
  const session = useQuery(sessionQuery);
  if (session.data === undefined) {
    return (
      <main className="sign-in">
        <h1 className="tw-hidden">Tideway console</h1>
        {session.error === null ? (
          <section className="tw-card sign-in-card" aria-busy="true" aria-label="Loading">
            <Skeleton height={32} width={120} />
            <Skeleton height={40} />
            <Skeleton height={40} />
          </section>
        ) : (
          <Failure error={session.error} onRetry={() => void session.refetch()} />
        )}
      </main>
    );
  }
  if (session.data.state !== "in")
    return <SignInScreen hasEnded={session.data.state === "ended"} />;
  return (
    <LiveProvider>
      <ConsoleShell operator={session.data.operator} />
    </LiveProvider>
  );
}
