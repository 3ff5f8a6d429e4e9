import { Button, Skeleton } from "@mantine/core";
import { Link } from "../navigation.tsx";
import { Suspense, lazy } from "react";
import { Icon, MoneyText, formatMoney, useLocale } from "@tideway/ui";
import type { BalanceReply } from "../api/queries.ts";
import { messages } from "../messages.ts";

// Only an empty wallet asks for it.
const TopUp = lazy(() => import("./top-up.tsx"));

/**
 * The first balance large, the others in a line each. There is no sum over assets: without a rate
 * that somebody stands for, one number would be an invention.
 */
export function BalancePanel({ balances }: { readonly balances: readonly BalanceReply[] }) {
  const [first, ...others] = balances;
  const empty = balances.every((balance) => balance.available === "0" && balance.held === "0");
  return (
    <>
      {first === undefined ? (
        <p className="tw-muted">{messages.home.noBalance}</p>
      ) : (
        <Hero {...first} />
      )}
      <Doors />
      {empty ? (
        <Suspense>
          <TopUp />
        </Suspense>
      ) : null}
      {others.length === 0 ? null : (
        <ul className="tw-card w-list">
          {others.map((balance) => (
            <li key={balance.asset} className="w-balance">
              <span className="w-balance-asset">
                {balance.asset}
                <span className="w-row-second">{balance.name}</span>
              </span>
              <span className="w-balance-amount">
                <MoneyText {...balance} amount={balance.available} showAsset={false} />
                <Held {...balance} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Hero(balance: BalanceReply) {
  return (
    <div className="w-hero">
      <p className="w-hero-asset">
        {balance.asset} <span className="tw-muted">{balance.name}</span>
      </p>
      <p>
        <MoneyText {...balance} amount={balance.available} size="hero" showAsset={false} />
      </p>
      <Held {...balance} />
    </div>
  );
}

function Held(balance: BalanceReply) {
  const locale = useLocale();
  if (balance.held === "0") return null;
  const held = formatMoney({ ...balance, amount: balance.held }, locale);
  return <span className="w-row-second">{messages.home.held(held)}</span>;
}

function Doors() {
  const { send, request, scan } = messages.home;
  return (
    <div className="w-doors">
      <Button
        renderRoot={(props) => <Link to="/send" {...props} />}
        leftSection={<Icon name="arrow-out" />}
      >
        {send}
      </Button>
      <Button
        variant="default"
        renderRoot={(props) => <Link to="/request" {...props} />}
        leftSection={<Icon name="arrow-in" />}
      >
        {request}
      </Button>
      <Button
        variant="default"
        renderRoot={(props) => <Link to="/scan" {...props} />}
        leftSection={<Icon name="scan" />}
      >
        {scan}
      </Button>
    </div>
  );
}

/** The panel while it is on its way, in its own shape. */
export function BalanceSkeleton() {
  return (
    <div aria-busy="true" className="w-hero-skeleton">
      <Skeleton height={16} width={96} />
      <Skeleton height={40} width={200} />
      <Doors />
      <Skeleton height={56} />
    </div>
  );
}
