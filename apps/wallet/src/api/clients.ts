import { identityApi } from "@tideway/api-identity";
import { paymentsApi } from "@tideway/api-payments";
import { createClient } from "@tideway/client";
import { createAuthedFetch } from "../session/authed-fetch.ts";
import { session } from "../session/browser-session.ts";

const authed = createAuthedFetch(session);

/** The signed-in person's routes of identity and payments. */
export const identity = createClient(identityApi, { baseUrl: "/api/identity", fetch: authed });
export const payments = createClient(paymentsApi, { baseUrl: "/api/payments", fetch: authed });
