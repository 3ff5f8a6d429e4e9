/**
 * Who is signed in. A session that ends while the page is open is told apart from never having
 * had one, so that the sign-in can say why it is asked for.
 */
import { isClientError } from "@tideway/client";
import { MutationCache, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { admin } from "./admin.ts";
import type { Operator } from "./admin.ts";

export type Session =
  | { readonly state: "in"; readonly operator: Operator }
  | { readonly state: "out" }
  | { readonly state: "ended" };

const SESSION_KEY = ["session"];

export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: async ({ signal }): Promise<Session> => {
    try {
      return { state: "in", operator: await admin.me({ signal }) };
    } catch (error) {
      if (isSignedOut(error)) return { state: "out" };
      throw error;
    }
  },
  staleTime: Infinity,
});

/** The one cache of the page; any answer that says the session is over ends it here. */
export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: (error) => endIfSignedOut(error) }),
    mutationCache: new MutationCache({ onError: (error) => endIfSignedOut(error) }),
    defaultOptions: {
      // Polling and the stream ask again by themselves; a retry would only hide how old data is.
      queries: { retry: false, networkMode: "always", refetchOnWindowFocus: false },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  const endIfSignedOut = (error: Error): void => {
    if (isSignedOut(error)) endSession(client);
  };
  return client;
}

/** Shows the sign-in with its reason. Nothing fetched before stays in the page. */
export function endSession(client: QueryClient): void {
  if (client.getQueryData<Session>(SESSION_KEY)?.state !== "in") return;
  setSession(client, { state: "ended" });
}

export async function signIn(
  client: QueryClient,
  credentials: { name: string; password: string },
): Promise<void> {
  const operator = await admin.signIn({ body: credentials });
  setSession(client, { state: "in", operator });
}

export async function signOut(client: QueryClient): Promise<void> {
  await admin.signOut({ body: {} });
  setSession(client, { state: "out" });
}

function setSession(client: QueryClient, session: Session): void {
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
  client.setQueryData<Session>(SESSION_KEY, session);
}

function isSignedOut(error: unknown): boolean {
  return isClientError(error, "OPERATOR_SIGN_IN_NEEDED");
}
