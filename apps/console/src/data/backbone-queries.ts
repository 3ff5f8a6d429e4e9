/** What the screens read of events and sagas. Lists that control cuts into pages are read page by page. */
import type { EventGroup, ListedSaga } from "@tideway/api-admin";
import { isClientError } from "@tideway/client";
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import type { EventGroupSearch, EventsSearch, SagasSearch } from "../domain/search.ts";
import { admin } from "./admin.ts";
import { LIVE_KEY } from "./queries.ts";

const PAGE_ITEMS = 50;
/** The most that the api gives at once; over all services there is no cursor to go on with. */
export const SAGAS_OF_ALL_MAX = 200;
/** Every shown page is fetched again with each change, so there are not endlessly many of them. */
export const PAGES_MAX = 20;
/** Sagas that need somebody, of one service; the home page only says how many. */
const ATTENTION_MAX = 50;
/** Asking keeps a service awake, and only awake ones are asked: longer than most stay awake idly. */
const ATTENTION_RECHECK_MS = 90_000;
const ATTENTION_KEY = ["attention"] as const;

export type SagaPage = Awaited<ReturnType<typeof admin.sagas>>;

interface PagePlace {
  readonly limit: number;
  readonly after?: string;
}

const FIRST_PAGE: PagePlace = { limit: PAGE_ITEMS };

export const sagasQuery = (search: SagasSearch) =>
  infiniteQueryOptions({
    queryKey: [...LIVE_KEY, "sagas", search],
    queryFn: ({ pageParam, signal }) => admin.sagas({ query: { ...search, ...pageParam }, signal }),
    initialPageParam: FIRST_PAGE,
    getNextPageParam: (last, _, lastPlace): PagePlace | null => {
      if (last.next !== null) return { limit: PAGE_ITEMS, after: last.next };
      const mayBeMore = search.service === undefined && last.items.length >= lastPlace.limit;
      return mayBeMore && lastPlace.limit < SAGAS_OF_ALL_MAX ? { limit: SAGAS_OF_ALL_MAX } : null;
    },
  });

/** Pages of one service follow each other; over all services a later page holds the earlier ones. */
export function sagasOf(pages: readonly SagaPage[], search: SagasSearch): ListedSaga[] {
  const shown = search.service === undefined ? pages.slice(-1) : pages;
  return shown.flatMap(({ items }) => items);
}

export const sagaQuery = (saga: string, service: string | undefined) =>
  queryOptions({
    queryKey: [...LIVE_KEY, "saga", saga, service],
    queryFn: ({ signal }) =>
      admin.saga({ params: { saga }, query: service === undefined ? {} : { service }, signal }),
  });

export interface Attention {
  readonly sagas: readonly ListedSaga[];
  /** Why some services' sagas are not known; null when all are. */
  readonly failure: unknown;
}

/** Sagas that need somebody. A saga that fails is due and keeps its service awake: who sleeps has none. */
export const attentionQuery = (awake: readonly string[]) =>
  queryOptions({
    queryKey: [...ATTENTION_KEY, awake],
    queryFn: async ({ signal }): Promise<Attention> => {
      const answers = await Promise.allSettled(awake.map((one) => attentionOf(one, signal)));
      const failed = answers.find((answer) => answer.status === "rejected");
      return {
        sagas: answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])),
        failure: failed === undefined ? null : failed.reason,
      };
    },
    refetchInterval: ATTENTION_RECHECK_MS,
    // A service that falls asleep changes the question, not what is known.
    placeholderData: keepPreviousData,
  });

/** None for a service that runs no sagas. */
async function attentionOf(service: string, signal: AbortSignal): Promise<ListedSaga[]> {
  const query = { service, attention: true, limit: ATTENTION_MAX };
  try {
    return (await admin.sagas({ query, signal })).items;
  } catch (error) {
    if (isClientError(error, "SAGAS_NOT_THERE", "SERVICE_UNKNOWN")) return [];
    throw error;
  }
}

export const eventGroupsQuery = queryOptions({
  queryKey: [...LIVE_KEY, "event-groups"],
  queryFn: async ({ signal }): Promise<EventGroup[]> =>
    (await admin.eventGroups({ signal })).groups,
});

export const eventKeysQuery = (service: string, search: EventGroupSearch) =>
  infiniteQueryOptions({
    queryKey: [...LIVE_KEY, "event-keys", service, search],
    queryFn: ({ pageParam, signal }) =>
      admin.eventKeys({ params: { service }, query: { ...search, ...pageParam }, signal }),
    initialPageParam: FIRST_PAGE,
    getNextPageParam: ({ next }) => (next === null ? null : { limit: PAGE_ITEMS, after: next }),
  });

const LOG_PAGE_ITEMS = 25;

export const eventLogQuery = (search: EventsSearch) =>
  infiniteQueryOptions({
    queryKey: [...LIVE_KEY, "event-log", search],
    queryFn: ({ pageParam, signal }) =>
      admin.eventLog({ query: { ...search, ...pageParam }, signal }),
    initialPageParam: { ...FIRST_PAGE, limit: LOG_PAGE_ITEMS },
    getNextPageParam: ({ next }) => (next === null ? null : { limit: LOG_PAGE_ITEMS, after: next }),
  });

/** Fetches everything that an act may have changed. */
export async function refreshAll(client: QueryClient): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: LIVE_KEY }),
    client.invalidateQueries({ queryKey: ATTENTION_KEY }),
  ]);
}
