/** Every bound of the gateway in one place, named with its unit. */

export const URL_BYTES_MAX = 8_192;
export const HEADER_BYTES_MAX = 16_384;
/** Request bodies up to this size are read whole before an instance is bothered with them. */
export const BODY_BUFFER_BYTES_MAX = 65_536;
/** Requests that wait for an instance of one revision. */
export const QUEUE_REQUESTS_MAX = 1_000;
/** Requests in flight at one endpoint, one connection each; more of them wait in the queue. */
export const ENDPOINT_REQUESTS_MAX = 512;
export const CONNECT_TIMEOUT_MS = 1_000;
/** Shorter than what instances use (Node 5 s with a hint, Fastify 72 s), so that we close first. */
export const UPSTREAM_KEEP_ALIVE_MS = 4_000;
export const HEALTH_INTERVAL_MS = 1_000;
export const HEALTH_TIMEOUT_MS = 1_000;
/** Probes in a row that may run into their time-out before an endpoint counts as unhealthy. */
export const HEALTH_TIMEOUTS_MAX = 3;
/** How long a client may leave a reply unread. */
export const STALL_MS = 30_000;
export const DRAIN_MS = 10_000;
/** After the listener is closed, idle connections live on this long: a request may be on its way. */
export const LINGER_MS = 250;
export const CONNECTIONS_MAX = 10_000;
export const CLIENT_KEEP_ALIVE_MS = 65_000;
export const CLIENT_HEADERS_MS = 10_000;
/** Longer than any route's deadline may be; the deadline itself ends slow uploads. */
export const CLIENT_REQUEST_MS = 610_000;
export const CONFIG_BYTES_MAX = 8 * 1_048_576;
export const PEOPLE_WINDOW_SECONDS = 10;
export const PEOPLE_RECENT_MAX = 100_000;
export const PEOPLE_ROLLOUT_MAX = 1_000_000;
/** How long a question for demand waits for its answer. */
export const DEMAND_WAIT_MS = 10_000;
export const EVIDENCE_RING_RECORDS = 65_536;
export const EVIDENCE_PAGE_RECORDS = 8_192;
/** An instance taken out of the configuration still finishes its work, which may call others. */
export const CALLER_GRACE_MS = 60_000;
export const CALLERS_DEPARTED_MAX = 1_000;
export const CALLER_CACHE_MAX = 4_096;
export const TOKEN_CACHE_MAX = 20_000;
export const TOKENS_VERIFYING_MAX = 1_000;
export const KEYS_REFRESH_MS = 5_000;
export const KEYS_AGE_MS = 300_000;
export const KEYS_FETCH_MS = 2_000;
export const KEYS_BYTES_MAX = 65_536;
export const LOG_FLUSH_MS = 100;
export const LOG_BYTES_MAX = 64 * 1_048_576;
/** Log lines held while the disk is slow; what is above is counted and dropped. */
export const LOG_BUFFER_BYTES_MAX = 8 * 1_048_576;
/** An app's files kept in memory; larger ones are read from disk each time. */
export const FILE_BYTES_MAX = 4 * 1_048_576;
export const FILES_BYTES_MAX = 64 * 1_048_576;
export const FILE_CHECK_MS = 1_000;
