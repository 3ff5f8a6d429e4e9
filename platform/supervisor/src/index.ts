export * from "./identity.ts";
export * from "./options.ts";
export { backendsOf, clearAfterCrash, findPostmaster, isPostgresReady } from "./postgres-crash.ts";
export { readStatus } from "./supervise.ts";
