/** A real service in this process, called as the gateway would call it: with a signed assertion. */
import { createClient } from "@tideway/client";
import type { ClientOf, FetchLike } from "@tideway/client";
import { newId, systemClock } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { startService } from "@tideway/http";
import type { RunningService, ServiceConfig, ServiceOptions } from "@tideway/http";
import type { Api } from "@tideway/schema";
import { createLogger } from "@tideway/telemetry";
import {
  ASSERTION_HEADER,
  ASSERTION_VALID_MS,
  assertionKeyOf,
  assertionSecret,
  newInstanceSecret,
  signAssertion,
} from "@tideway/trust";
import type { GrantClaim } from "@tideway/trust";

export interface TestCaller {
  readonly person?: string;
  /** The calling service; left out, the call comes through the public listener. */
  readonly caller?: string;
  readonly revision?: string;
  readonly grants?: readonly GrantClaim[];
}

export interface TestService<A extends Api> extends RunningService {
  readonly config: ServiceConfig;
  /** What the service logged, one JSON line each. */
  readonly logLines: readonly string[];
  /** A typed client whose calls carry these assertions. */
  as(caller: TestCaller): ClientOf<A>;
  /** For what no typed client would send. */
  fetchAs(caller: TestCaller): FetchLike;
}

export interface TestServiceOptions<A extends Api> extends ServiceOptions<A> {
  readonly databaseUrl?: string;
  readonly internalUrl?: string;
  readonly clock?: Clock;
  readonly profile?: "demo" | "production";
}

/**
 * Starts the service on its test database.
 *
 * @example
 * const ledger = await testService({ declaration, build, databaseUrl: database.url });
 * await ledger.as({ caller: "payments", grants }).account({ params: { accountId } });
 */
export async function testService<A extends Api>(
  options: TestServiceOptions<A>,
): Promise<TestService<A>> {
  const secret = newInstanceSecret();
  const logLines: string[] = [];
  const config: ServiceConfig = {
    service: options.declaration.name,
    revision: `${options.declaration.name}-1`,
    instance: newId("ins"),
    instanceSecret: secret,
    internalUrl: options.internalUrl ?? "http://127.0.0.1:9",
    publicUrl: "http://localhost:8080",
    databaseUrl: options.databaseUrl ?? null,
    connectionsMax: 10,
    serviceKey: "11".repeat(32),
    profile: options.profile ?? "demo",
    listen: { host: "127.0.0.1", port: 0 },
    logLevel: "info",
  };
  const clock = options.clock ?? systemClock;
  const logger = createLogger({
    service: config.service,
    destination: { write: (line) => void logLines.push(line) },
  });
  const service = await startService(options, config, { logger, clock });
  const fetchAs = (caller: TestCaller): FetchLike => signedFetch(service, config, caller, clock);
  return {
    ...service,
    config,
    logLines,
    fetchAs,
    as: (caller) =>
      createClient(options.declaration.api, {
        baseUrl: "http://service",
        fetch: fetchAs(caller),
      }),
  };
}

function signedFetch(
  service: RunningService,
  config: ServiceConfig,
  caller: TestCaller,
  clock: Clock,
): FetchLike {
  return async (url, init) => {
    const { pathname, search } = new URL(url);
    const path = pathname + search;
    const method = init.method ?? "GET";
    const assertion = signAssertion(
      {
        caller: caller.caller ?? null,
        revision: caller.revision ?? (caller.caller ? `${caller.caller}-1` : null),
        instance: caller.caller ? "ins_test" : null,
        audience: config.service,
        method,
        path,
        person: caller.person ?? null,
        ...(caller.grants === undefined ? {} : { grants: caller.grants }),
        expiresAtMs: clock.now() + ASSERTION_VALID_MS,
      },
      assertionSecret(assertionKeyOf(config.instanceSecret)),
    );
    const answer = await service.app.inject({
      // The api's methods are exactly those that inject knows.
      method: method as "GET",
      url: path,
      headers: { ...Object.fromEntries(new Headers(init.headers)), [ASSERTION_HEADER]: assertion },
      ...(typeof init.body === "string" ? { payload: init.body } : {}),
    });
    const headers = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const one of [value].flat()) if (one !== undefined) headers.append(name, String(one));
    }
    return new Response(answer.body, { status: answer.statusCode, headers });
  };
}
