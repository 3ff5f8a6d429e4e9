/** The addresses of the wallet. Screens behind the session ask for signing in and come back. */
import {
  Outlet,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { redirectTo, useIsResult, useNext, useParam } from "./navigation.tsx";
import type { PaymentSearch, SignSearch } from "./navigation.tsx";
import { AppShell } from "./parts/app-shell.tsx";
import { HomePage } from "./screens/home-page.tsx";
import { CrashPage, LoadingPage, NotFoundPage } from "./screens/other-pages.tsx";
import type { Session } from "./session/session.ts";

/** Screens shown faster than this need no skeleton of the whole page. */
const PENDING_AFTER_MS = 150;

export interface RouterContext {
  readonly session: Session;
}

const root = createRootRouteWithContext<RouterContext>()({
  component: AppShell,
  notFoundComponent: NotFoundPage,
});

// Screens that need a parameter are handed it here; their code is fetched by the loader, so that
// a press on a link, or pointing at one, has it in time.
const SignPage = lazyRouteComponent(() => import("./screens/sign-page.tsx"), "SignPage");
const InvoicePage = lazyRouteComponent(() => import("./screens/invoice-page.tsx"), "InvoicePage");
const PaymentPage = lazyRouteComponent(() => import("./screens/payment-page.tsx"), "PaymentPage");

const readNext = (search: Record<string, unknown>): SignSearch =>
  typeof search["next"] === "string" ? { next: search["next"] } : {};

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: readNext,
  loader: () => SignPage.preload?.(),
  component: function SignInRoute() {
    return <SignPage key="in" mode="in" next={useNext()} />;
  },
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  validateSearch: readNext,
  loader: () => SignPage.preload?.(),
  component: function SignUpRoute() {
    return <SignPage key="up" mode="up" next={useNext()} />;
  },
});

/** Everything below needs a person. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  beforeLoad: async ({ context, location }) => {
    const state = await context.session.ready();
    if (state.status === "signed-in") return;
    const search = location.href === "/" ? {} : { next: location.href };
    // The router takes a redirect as a thrown value of its own class.
    throw redirectTo({ to: "/sign-in", search, replace: true });
  },
  component: Outlet,
});

const home = createRoute({ getParentRoute: () => signedIn, path: "/", component: HomePage });

const send = createRoute({
  getParentRoute: () => signedIn,
  path: "/send",
  component: lazyRouteComponent(() => import("./screens/send-page.tsx"), "SendPage"),
});

const review = createRoute({
  getParentRoute: () => signedIn,
  path: "/send/review",
  component: lazyRouteComponent(() => import("./screens/review-page.tsx"), "ReviewPage"),
});

const request = createRoute({
  getParentRoute: () => signedIn,
  path: "/request",
  component: lazyRouteComponent(() => import("./screens/request-page.tsx"), "RequestPage"),
});

const requests = createRoute({
  getParentRoute: () => signedIn,
  path: "/requests",
  component: lazyRouteComponent(() => import("./screens/requests-page.tsx"), "RequestsPage"),
});

const pay = createRoute({
  getParentRoute: () => signedIn,
  path: "/pay/$invoiceId",
  loader: () => InvoicePage.preload?.(),
  component: function PayRoute() {
    const invoiceId = useParam("invoiceId");
    return <InvoicePage key={invoiceId} invoiceId={invoiceId} />;
  },
});

const payment = createRoute({
  getParentRoute: () => signedIn,
  path: "/payments/$paymentId",
  validateSearch: (search: Record<string, unknown>): PaymentSearch =>
    search["result"] === true ? { result: true } : {},
  loader: () => PaymentPage.preload?.(),
  component: function PaymentRoute() {
    const paymentId = useParam("paymentId");
    return <PaymentPage key={paymentId} paymentId={paymentId} isResult={useIsResult()} />;
  },
});

const scan = createRoute({
  getParentRoute: () => signedIn,
  path: "/scan",
  component: lazyRouteComponent(() => import("./screens/scan-page.tsx"), "ScanPage"),
});

const account = createRoute({
  getParentRoute: () => signedIn,
  path: "/account",
  component: lazyRouteComponent(() => import("./screens/account-page.tsx"), "AccountPage"),
});

const routeTree = root.addChildren([
  signIn,
  signUp,
  signedIn.addChildren([home, send, review, request, requests, pay, payment, scan, account]),
]);

/** The router over a session. */
export function createWalletRouter(session: Session) {
  return createRouter({
    routeTree,
    context: { session },
    defaultPreload: "intent",
    defaultPendingMs: PENDING_AFTER_MS,
    defaultPendingMinMs: 0,
    defaultPendingComponent: LoadingPage,
    defaultErrorComponent: CrashPage,
    scrollRestoration: true,
  });
}
