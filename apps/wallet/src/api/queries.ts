/** What the screens ask for, how long it stays fresh, and how it is kept live. */
import { isClientError } from "@tideway/client";
import type { ReplyOf } from "@tideway/schema";
import type { paymentsApi } from "@tideway/api-payments";
import { QueryClient, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { fetchAssets } from "./assets.ts";
import { identity, payments } from "./clients.ts";

type Routes = (typeof paymentsApi)["routes"];
export type PaymentReply = ReplyOf<Routes["payment"]>;
export type PaymentPageReply = ReplyOf<Routes["payments"]>;
export type InvoiceReply = ReplyOf<Routes["invoice"]>;
export type BalanceReply = ReplyOf<Routes["balances"]>["balances"][number];

const PAGE_SIZE = 25;
const HOME_REFETCH_MS = 20_000;
const LIVE_REFETCH_MS = 2_000;
const PENDING_REFETCH_MS = 1_000;
const READ_RETRIES_MAX = 2;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The browser's idea of being offline is often wrong; an error with a button is honest.
        networkMode: "always",
        staleTime: 5_000,
        retry: (failures, error) =>
          failures < READ_RETRIES_MAX && isClientError(error) && error.retryable,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}

export const balancesQuery = queryOptions({
  queryKey: ["balances"],
  queryFn: ({ signal }) => payments.balances({ signal }).then((reply) => reply.balances),
  refetchInterval: HOME_REFETCH_MS,
});

export const assetsQuery = queryOptions({
  queryKey: ["assets"],
  queryFn: fetchAssets,
  staleTime: 3_600_000,
});

export const paymentsQuery = infiniteQueryOptions({
  queryKey: ["payments"],
  queryFn: ({ pageParam, signal }) => payments.payments({ query: pageOf(pageParam), signal }),
  initialPageParam: "",
  getNextPageParam: (page) => page.next,
  // Only the first page is kept live: refetching a long list would fetch each of its pages.
  refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) > 1 ? false : HOME_REFETCH_MS),
});

export const invoicesQuery = infiniteQueryOptions({
  queryKey: ["invoices"],
  queryFn: ({ pageParam, signal }) => payments.invoices({ query: pageOf(pageParam), signal }),
  initialPageParam: "",
  getNextPageParam: (page) => page.next,
  refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) > 1 ? false : HOME_REFETCH_MS),
});

export function paymentQuery(paymentId: string) {
  return queryOptions({
    queryKey: ["payment", paymentId],
    queryFn: ({ signal }) => payments.payment({ params: { paymentId }, signal }),
    refetchInterval: (query) =>
      query.state.data?.state === "pending" ? PENDING_REFETCH_MS : false,
  });
}

export function invoiceQuery(invoiceId: string) {
  return queryOptions({
    queryKey: ["invoice", invoiceId],
    queryFn: ({ signal }) => payments.invoice({ params: { invoiceId }, signal }),
    refetchInterval: (query) => (isLive(query.state.data) ? LIVE_REFETCH_MS : false),
  });
}

export function personQuery(email: string) {
  return queryOptions({
    queryKey: ["person", email],
    queryFn: ({ signal }) => identity.findPerson({ query: { email }, signal }),
    staleTime: 60_000,
  });
}

function isLive(invoice: InvoiceReply | undefined): boolean {
  return invoice?.state === "open" || invoice?.state === "paying";
}

function pageOf(after: string): { limit: number; after?: string } {
  return after === "" ? { limit: PAGE_SIZE } : { limit: PAGE_SIZE, after };
}
