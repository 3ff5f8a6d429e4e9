/**
 * Reads a configuration from JSON and refuses one that could not be routed by. The result is built
 * anew from checked parts, so that nothing unchecked is carried along.
 */
import { PLATFORM_CALLERS } from "@tideway/schema";
import type { Grant, ManifestRoute } from "@tideway/schema";
import type { AppConfig, Endpoint, GatewayConfig, PlatformCallerConfig } from "./config.ts";
import type { RevisionConfig, ServiceConfig, Split } from "./config.ts";
import { gatewayErrors } from "./errors.ts";

const NAME = /^[a-z][a-z0-9-]{1,30}$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const HEX = /^(?:[0-9a-f]{2}){16,64}$/;
const ENDPOINT_URL = /^http:\/\/(?:\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}\/?$/;
const METHOD = /^[A-Z]{3,10}$/;
const ROUTE_PATH = /^\/[A-Za-z0-9/:_.-]*$/;
const ROLLOUT = /^[\x21-\x7e]{1,120}$/;

const OPERATIONS = ["open", "read", "transfer", "hold"] as const;
const AUTHS = ["public", "person", "service", "platform"] as const;
const EXPOSURES = ["public", "internal"] as const;

/** Throws GATEWAY_CONFIG_INVALID with the path of the field. */
export function checkConfig(value: unknown): GatewayConfig {
  const config = object(value, "");
  const tokens = object(config["tokens"], "/tokens");
  const services = list(config["services"], "/services", 200, serviceOf);
  unique(services, (service) => service.name, "/services");
  const instances = services.flatMap((service) =>
    service.revisions.flatMap((revision) => revision.endpoints),
  );
  unique(instances, (endpoint) => endpoint.instance, "/services/.../endpoints");
  const callers = list(config["platformCallers"] ?? [], "/platformCallers", 10, platformCallerOf);
  unique(
    [...callers.map(({ name }) => name), ...instances.map(({ instance }) => instance)],
    (caller) => caller,
    "/platformCallers",
  );
  const apps = list(config["apps"], "/apps", 50, appOf);
  unique(apps, (app) => app.path, "/apps");
  return {
    epoch: number(config["epoch"], "/epoch", 0, Number.MAX_SAFE_INTEGER, true),
    services,
    apps,
    tokens: {
      service: text(tokens["service"], "/tokens/service", NAME),
      path: text(tokens["path"], "/tokens/path", /^\/[\x21-\x7e]{0,200}$/),
      issuer: text(tokens["issuer"], "/tokens/issuer", /^[\x21-\x7e]{1,200}$/),
    },
    ...(callers.length === 0 ? {} : { platformCallers: callers }),
  };
}

function platformCallerOf(value: unknown, path: string): PlatformCallerConfig {
  const caller = object(value, path);
  return {
    name: oneOf(caller["name"], `${path}/name`, PLATFORM_CALLERS),
    authHash: text(caller["authHash"], `${path}/authHash`, HEX),
  };
}

function serviceOf(value: unknown, path: string): ServiceConfig {
  const service = object(value, path);
  const revisions = list(service["revisions"], `${path}/revisions`, 20, revisionOf);
  unique(revisions, (revision) => revision.id, `${path}/revisions`);
  const split = splitOf(service["split"], `${path}/split`);
  for (const id of [split.stable, split.candidate]) {
    if (id !== null && !revisions.some((revision) => revision.id === id)) {
      throw invalid(`${path}/split`, `${id} is none of the revisions`);
    }
  }
  return {
    name: text(service["name"], `${path}/name`, NAME),
    enforcesGrants: flag(service["enforcesGrants"], `${path}/enforcesGrants`),
    split,
    revisions,
  };
}

function splitOf(value: unknown, path: string): Split {
  const split = object(value, path);
  const candidate = split["candidate"];
  const rollout = split["rollout"];
  const checked = {
    stable: text(split["stable"], `${path}/stable`, ID),
    candidate: candidate === null ? null : text(candidate, `${path}/candidate`, ID),
    weight: number(split["weight"], `${path}/weight`, 0, 100, false),
    rollout: rollout === null ? null : text(rollout, `${path}/rollout`, ROLLOUT),
  };
  if (checked.candidate !== null && checked.rollout === null) {
    throw invalid(`${path}/rollout`, "a candidate needs a rollout's id, the salt of the split");
  }
  return checked;
}

function revisionOf(value: unknown, path: string): RevisionConfig {
  const revision = object(value, path);
  return {
    id: text(revision["id"], `${path}/id`, ID),
    routes: list(revision["routes"], `${path}/routes`, 500, routeOf),
    calls: list(revision["calls"], `${path}/calls`, 50, (one, at) => text(one, at, NAME)),
    grants: list(revision["grants"], `${path}/grants`, 200, grantOf),
    endpoints: list(revision["endpoints"], `${path}/endpoints`, 256, endpointOf),
  };
}

function routeOf(value: unknown, path: string): ManifestRoute {
  const route = object(value, path);
  return {
    name: text(route["name"], `${path}/name`, /^[\x21-\x7e]{1,100}$/),
    method: text(route["method"], `${path}/method`, METHOD),
    path: text(route["path"], `${path}/path`, ROUTE_PATH),
    auth: oneOf(route["auth"], `${path}/auth`, AUTHS),
    exposure: oneOf(route["exposure"], `${path}/exposure`, EXPOSURES),
    idempotent: flag(route["idempotent"], `${path}/idempotent`),
    deadlineMs: number(route["deadlineMs"], `${path}/deadlineMs`, 1, 600_000, true),
    bodyBytesMax: number(route["bodyBytesMax"], `${path}/bodyBytesMax`, 0, 64 * 1_048_576, true),
  };
}

function grantOf(value: unknown, path: string): Grant {
  const grant = object(value, path);
  const account = (name: string): number | undefined =>
    grant[name] === undefined ? undefined : number(grant[name], `${path}/${name}`, 100, 999, true);
  const code = grant["code"];
  const checked = {
    operation: oneOf(grant["operation"], `${path}/operation`, OPERATIONS),
    account: account("account"),
    debit: account("debit"),
    credit: account("credit"),
    code: code === undefined ? undefined : text(code, `${path}/code`, NAME),
  };
  const { operation, ...optional } = checked;
  const given = Object.entries(optional).filter(([, field]) => field !== undefined);
  return { operation, ...Object.fromEntries(given) };
}

function endpointOf(value: unknown, path: string): Endpoint {
  const endpoint = object(value, path);
  return {
    instance: text(endpoint["instance"], `${path}/instance`, ID),
    url: text(endpoint["url"], `${path}/url`, ENDPOINT_URL),
    authHash: text(endpoint["authHash"], `${path}/authHash`, HEX),
    assertionKey: text(endpoint["assertionKey"], `${path}/assertionKey`, HEX),
  };
}

function appOf(value: unknown, path: string): AppConfig {
  const app = object(value, path);
  return {
    path: text(app["path"], `${path}/path`, /^\/[A-Za-z0-9/_-]{0,100}$/),
    folder: text(app["folder"], `${path}/folder`, /^\/[^\0]{1,4000}$/),
  };
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(path, "must be an object");
  }
  return Object.fromEntries(Object.entries(value));
}

function list<T>(
  value: unknown,
  path: string,
  itemsMax: number,
  read: (item: unknown, path: string) => T,
): T[] {
  if (!Array.isArray(value)) throw invalid(path, "must be a list");
  if (value.length > itemsMax) throw invalid(path, `holds more than ${itemsMax} items`);
  return value.map((item: unknown, index) => read(item, `${path}/${index}`));
}

function text(value: unknown, path: string, pattern: RegExp): string {
  if (typeof value !== "string") throw invalid(path, "must be a string");
  if (!pattern.test(value)) throw invalid(path, `does not match ${pattern.source}`);
  return value;
}

function number(
  value: unknown,
  path: string,
  minimum: number,
  maximum: number,
  isWhole: boolean,
): number {
  if (typeof value !== "number" || !(value >= minimum && value <= maximum)) {
    throw invalid(path, `must be a number from ${minimum} to ${maximum}`);
  }
  if (isWhole && !Number.isInteger(value)) throw invalid(path, "must be a whole number");
  return value;
}

function flag(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw invalid(path, "must be true or false");
  return value;
}

function oneOf<const T extends string>(value: unknown, path: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw invalid(path, `must be one of ${allowed.join(", ")}`);
  return found;
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string, path: string): void {
  const seen = new Set<string>();
  for (const item of items) {
    const key = keyOf(item);
    if (seen.has(key)) throw invalid(path, `names ${key} twice`);
    seen.add(key);
  }
}

function invalid(path: string, problem: string): Error {
  const given = { path: path === "" ? "/" : path, problem };
  return gatewayErrors.error("GATEWAY_CONFIG_INVALID", { given });
}
