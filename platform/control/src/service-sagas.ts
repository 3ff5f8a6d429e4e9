/**
 * Sagas, wherever they live: in the database of the service that began them. Control asks each such
 * service through the gateway's internal listener, under its own name.
 */
import { adminErrors } from "@tideway/api-admin";
import type { ListedSaga, SagaDetail } from "@tideway/api-admin";
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf, FetchLike } from "@tideway/client";
import { CodedError, defineErrors, isCoded } from "@tideway/kernel";
import { defineApi, sagaRoutes } from "@tideway/schema";
import type { QueryOf } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import { INSTANCE_HEADER } from "@tideway/trust";
import { findRevisions, listServices } from "./store/revisions.ts";
import { requireService } from "./views.ts";

export interface ServiceSagasOptions {
  readonly pool: Pool;
  readonly internalUrl: string;
  /** Control's own, towards the gateway. */
  readonly secret: string;
  readonly fetch?: FetchLike;
}

type ListQuery = QueryOf<typeof sagaRoutes.listSagas>;

export interface SagaQuery extends ListQuery {
  readonly service?: string;
}

export interface SagaPage {
  readonly items: ListedSaga[];
  readonly next: string | null;
  readonly unanswered: { readonly service: string; readonly code: string }[];
}

export interface ServiceSagas {
  /** Of one service or of all. Throws SERVICE_UNKNOWN, SAGAS_NOT_THERE, SAGA_CURSOR_ALONE. */
  list(query: SagaQuery): Promise<SagaPage>;
  /** Throws SAGA_UNKNOWN, SAGA_SERVICE_AWAY, and what its service says. */
  inspect(saga: string, service: string | undefined): Promise<SagaDetail>;
  retry(saga: string, service: string | undefined, by: string): Promise<ListedSaga>;
  compensate(saga: string, service: string | undefined, order: Order): Promise<ListedSaga>;
}

export interface Order {
  readonly by: string;
  readonly reason: string;
}

/** A service that sleeps is woken by the question. */
const ANSWER_MS = 8_000;
const LIST_DEFAULT = 50;

const sagaApi = defineApi({
  name: "sagas",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: sagaRoutes,
});
type SagaClient = ClientOf<typeof sagaApi>;

export function createServiceSagas(options: ServiceSagasOptions): ServiceSagas {
  const { pool, internalUrl, secret, fetch } = options;
  const clientOf = (service: string): SagaClient =>
    createClient(sagaApi, {
      baseUrl: `${internalUrl}/api/${service}`,
      headers: () => ({ [INSTANCE_HEADER]: `control:${secret}` }),
      ...(fetch === undefined ? {} : { fetch }),
    });
  /** Asks one service; what it does not answer itself is SAGA_SERVICE_AWAY. */
  const ask = async <T>(
    service: string,
    question: (client: SagaClient, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      return await question(clientOf(service), signal);
    } catch (error) {
      throw codedFrom(service, error, signal);
    }
  };
  const find = (saga: string, service: string | undefined): Promise<SagaDetail> =>
    findSaga(pool, saga, service, (one) =>
      ask(one, async (client, signal) => {
        return { service: one, ...(await client.inspectSaga({ params: { saga }, signal })) };
      }),
    );
  return {
    list: (query) =>
      listSagas(pool, query, (service, own) =>
        ask(service, (client, signal) => client.listSagas({ query: own, signal })),
      ),
    inspect: find,
    retry: async (saga, given, by) => {
      const { service } = await find(saga, given);
      const params = { saga };
      const after = await ask(service, (client, signal) =>
        client.retrySaga({ params, body: { by }, signal }),
      );
      return { service, ...after };
    },
    compensate: async (saga, given, order) => {
      const { service } = await find(saga, given);
      const params = { saga };
      const after = await ask(service, (client, signal) =>
        client.compensateSaga({ params, body: order, signal }),
      );
      return { service, ...after };
    },
  };
}

type Listing = Awaited<ReturnType<SagaClient["listSagas"]>>;

async function listSagas(
  pool: Pool,
  { service, ...rest }: SagaQuery,
  ask: (service: string, query: ListQuery) => Promise<Listing>,
): Promise<SagaPage> {
  if (service === undefined && rest.after !== undefined) {
    throw adminErrors.error("SAGA_CURSOR_ALONE");
  }
  const limit = rest.limit ?? LIST_DEFAULT;
  const withService = (name: string, listing: Listing): ListedSaga[] =>
    listing.items.map((saga) => ({ service: name, ...saga }));
  if (service !== undefined) {
    await requireSagas(pool, service);
    const listing = await ask(service, { ...rest, limit });
    return { items: withService(service, listing), next: listing.next, unanswered: [] };
  }
  const services = await servicesWithSagas(pool);
  const unanswered: { service: string; code: string }[] = [];
  const pages = await Promise.all(
    services.map(async (name) => {
      try {
        return withService(name, await ask(name, { ...rest, limit }));
      } catch (error) {
        if (!isCoded(error)) throw error;
        unanswered.push({ service: name, code: error.code });
        return [];
      }
    }),
  );
  const items = pages.flat().sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  return { items: items.slice(0, limit), next: null, unanswered };
}

/** Asks the named service, or each that runs sagas: ids tell nothing of where a saga lives. */
async function findSaga(
  pool: Pool,
  saga: string,
  service: string | undefined,
  inspect: (service: string) => Promise<SagaDetail>,
): Promise<SagaDetail> {
  if (service !== undefined) await requireSagas(pool, service);
  const services = service === undefined ? await servicesWithSagas(pool) : [service];
  const asked = await Promise.all(services.map((one) => foundOrFailed(inspect(one))));
  for (const { found } of asked) if (found !== null) return found;
  // Where one did not answer, nobody knows that the saga is not there.
  for (const { failure } of asked) if (failure !== null) throw failure;
  const names = services.length === 0 ? "any service: none runs sagas" : services.join(", ");
  throw adminErrors.error("SAGA_UNKNOWN", { given: { saga, asked: names } });
}

/** Neither: the service does not have it. */
async function foundOrFailed(asking: Promise<SagaDetail>) {
  try {
    return { found: await asking, failure: null };
  } catch (error) {
    if (!isCoded(error)) throw error;
    return { found: null, failure: error.definition.status === 404 ? null : error };
  }
}

/** By their stable revisions, which all but the newest sagas were begun by. */
async function servicesWithSagas(pool: Pool): Promise<string[]> {
  const stables = (await listServices(pool)).flatMap(({ stable }) => stable ?? []);
  const rows = await findRevisions(pool, stables);
  return rows.filter(({ manifest }) => manifest.sagas.length > 0).map(({ service }) => service);
}

async function requireSagas(pool: Pool, service: string): Promise<void> {
  await requireService(pool, service);
  if ((await servicesWithSagas(pool)).includes(service)) return;
  throw adminErrors.error("SAGAS_NOT_THERE", { given: { service } });
}

/** What the service itself said keeps its code and words; everything else means that it is away. */
function codedFrom(service: string, error: unknown, signal: AbortSignal): unknown {
  const away = (problem: string): CodedError =>
    adminErrors.error("SAGA_SERVICE_AWAY", { given: { service, problem }, cause: error });
  if (signal.aborted) return away(`no answer within ${ANSWER_MS / 1_000} s.`);
  if (!isClientError(error)) return error;
  if (error.status === 0 || error.status >= 500) return away(error.title);
  const { code, status, retryable, title, action } = error;
  return new CodedError(code, { status, retryable, title, action }, { cause: error });
}
