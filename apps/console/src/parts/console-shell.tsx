import { Outlet, Link } from "@tanstack/react-router";
import { Mark, Shell } from "@tideway/ui";
import type { Operator } from "../data/admin.ts";
import { CommandKeys } from "./command-keys.tsx";
import { Freshness, StaleBanner } from "./freshness.tsx";
import { OperatorMenu } from "./operator-menu.tsx";

/** Header, places, how fresh everything is, and who looks at it. */
export function ConsoleShell({ operator }: { readonly operator: Operator }) {
  return (
    <Shell
      width="wide"
      brand={
        <Link to="/" className="brand">
          <Mark size={24} />
          <span>Tideway</span>
        </Link>
      }
      nav={
        <nav className="places" aria-label="Places">
          <Link to="/" activeOptions={{ exact: true }}>
            Home
          </Link>
          <Link to="/services">Services</Link>
          <Link to="/sagas">Sagas</Link>
          <Link to="/events">Events</Link>
          <Link to="/audit">Audit</Link>
        </nav>
      }
      aside={
        <div className="header-end">
          <Freshness />
          <OperatorMenu operator={operator} />
        </div>
      }
    >
      <StaleBanner />
      <Outlet />
      <CommandKeys />
    </Shell>
  );
}
