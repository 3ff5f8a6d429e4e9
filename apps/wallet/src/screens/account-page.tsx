import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useGoTo } from "../navigation.tsx";
import { Page, ThemeToggle } from "@tideway/ui";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { Facts } from "../parts/facts.tsx";
import { Failure } from "../parts/failure.tsx";
import { closeSession, useSession } from "../session/browser-session.ts";

const words = messages.account;

/** Who is signed in, how it looks, and the way out. */
export function AccountPage() {
  const { person } = useSession();
  const goTo = useGoTo();
  const signOut = useMutation({
    mutationFn: closeSession,
    // The router would go there by itself, and ask to come back; who signs out does not want that.
    onSuccess: () => goTo({ to: "/sign-in", search: {}, replace: true }),
  });
  return (
    <div className="w-narrow">
      <Page title={words.title} back={<BackLink />}>
        <Facts
          facts={[
            [words.name, person?.name ?? null],
            [words.email, person?.email ?? null],
            [
              messages.common.requests,
              <Link key="requests" to="/requests">
                {messages.request.yours}
              </Link>,
            ],
          ]}
        />
        <section className="w-stack" aria-labelledby="theme">
          <h2 id="theme" className="w-day-name">
            {words.theme}
          </h2>
          <ThemeToggle />
        </section>
        {signOut.isError ? <Failure error={signOut.error} /> : null}
        <div>
          <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
            {words.signOut}
          </Button>
        </div>
      </Page>
    </div>
  );
}
