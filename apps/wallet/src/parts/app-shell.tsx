import { Outlet } from "@tanstack/react-router";
import { Link } from "../navigation.tsx";
import { Icon, Mark, Shell } from "@tideway/ui";
import { messages } from "../messages.ts";
import { useSession } from "../session/browser-session.ts";

/** The frame of every screen; visitors see the mark alone. */
export function AppShell() {
  const signedIn = useSession().status === "signed-in";
  return (
    <Shell
      brand={
        <Link to="/" className="w-brand">
          <Mark size={24} />
          {messages.appName}
        </Link>
      }
      nav={signedIn ? <Places /> : undefined}
      aside={signedIn ? <AccountLink /> : undefined}
    >
      <Outlet />
    </Shell>
  );
}

function Places() {
  const { common } = messages;
  return (
    <nav className="w-nav" aria-label={common.mainNavigation}>
      <Link to="/" activeOptions={{ exact: true }}>
        {common.home}
      </Link>
      <Link to="/requests">{common.requests}</Link>
    </nav>
  );
}

function AccountLink() {
  return (
    <Link to="/account" className="w-account" aria-label={messages.common.account}>
      <Icon name="person" size={20} />
    </Link>
  );
}
