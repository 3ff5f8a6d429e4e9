/** What an instance is told at its start, checked before anything else runs. */
import { defineErrors } from "@tideway/kernel";

export type Profile = "demo" | "production";

export interface ServiceConfig {
  readonly service: string;
  /** For example payments-7. */
  readonly revision: string;
  readonly instance: string;
  readonly instanceSecret: string;
  readonly internalUrl: string;
  readonly publicUrl: string;
  /** Null for a service without a database. */
  readonly databaseUrl: string | null;
  readonly connectionsMax: number;
  /** 32 bytes in hex that only this service gets; for encrypting what it keeps. */
  readonly serviceKey: string;
  readonly profile: Profile;
  /** `fd:3` or `tcp:127.0.0.1:9000`. */
  readonly listen: ListenAddress;
  readonly logLevel: string;
}

export type ListenAddress =
  { readonly fd: number } | { readonly host: string; readonly port: number };

export const configErrors = defineErrors({
  CONFIGURATION_INVALID: {
    status: 500,
    retryable: false,
    title: "The configuration is not complete: {problems}.",
    action: "Set the named variables; the engine does so for instances that it starts.",
  },
});

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `TIDEWAY_*`. Throws `CONFIGURATION_INVALID` with every problem at once. */
export function readServiceConfig(environment: Environment): ServiceConfig {
  const problems: string[] = [];
  const text = (name: string, fallback?: string): string => {
    const value = environment[name] ?? fallback;
    if (value === undefined || value === "") problems.push(`${name} is missing`);
    return value ?? "";
  };
  const profile = text("TIDEWAY_PROFILE", "demo");
  if (profile !== "demo" && profile !== "production") {
    problems.push(`TIDEWAY_PROFILE is ${profile}, not demo or production`);
  }
  const connectionsMax = Number(text("TIDEWAY_CONNECTIONS_MAX", "10"));
  if (!Number.isInteger(connectionsMax) || connectionsMax < 1 || connectionsMax > 200) {
    problems.push("TIDEWAY_CONNECTIONS_MAX is not a whole number from 1 to 200");
  }
  const listen = parseListen(text("TIDEWAY_LISTEN"));
  if (listen === null) problems.push("TIDEWAY_LISTEN is neither fd:N nor tcp:HOST:PORT");
  const config = {
    service: text("TIDEWAY_SERVICE"),
    revision: text("TIDEWAY_REVISION"),
    instance: text("TIDEWAY_INSTANCE"),
    instanceSecret: text("TIDEWAY_INSTANCE_SECRET"),
    internalUrl: text("TIDEWAY_INTERNAL_URL"),
    publicUrl: text("TIDEWAY_PUBLIC_URL"),
    databaseUrl: environment["TIDEWAY_DATABASE_URL"] ?? null,
    connectionsMax,
    serviceKey: text("TIDEWAY_SERVICE_KEY"),
    profile: profile === "production" ? "production" : "demo",
    listen: listen ?? { fd: 3 },
    logLevel: environment["TIDEWAY_LOG_LEVEL"] ?? "info",
  } as const;
  if (problems.length > 0) {
    throw configErrors.error("CONFIGURATION_INVALID", {
      given: { problems: problems.join("; ") },
    });
  }
  return config;
}

/** `fd:3` or `tcp:HOST:PORT`; null for anything else. */
export function parseListen(text: string): ListenAddress | null {
  const fd = /^fd:(\d{1,4})$/.exec(text)?.[1];
  if (fd !== undefined) return { fd: Number(fd) };
  const tcp = /^tcp:(.+):(\d{1,5})$/.exec(text);
  if (tcp?.[1] === undefined || Number(tcp[2]) > 65_535) return null;
  return { host: tcp[1], port: Number(tcp[2]) };
}
