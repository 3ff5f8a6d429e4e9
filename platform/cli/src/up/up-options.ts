import { profileErrors, usageErrors } from "../errors.ts";

export type Profile = "demo" | "production";
export type Purpose = "public" | "operators" | "internal";

export interface Listener {
  readonly purpose: Purpose;
  readonly host: string;
  readonly port: number;
  /** How others reach it. */
  readonly url: string;
}

export interface UpOptions {
  readonly profile: Profile;
  readonly unsafe: boolean;
  readonly listeners: Readonly<Record<Purpose, Listener>>;
  /** A server of the operator's own, or null for the embedded one. */
  readonly postgresUrl: string | null;
}

export interface UpFlags {
  readonly port: string | undefined;
  readonly "operators-port": string | undefined;
  readonly "internal-port": string | undefined;
  readonly profile: string | undefined;
  readonly unsafe: boolean;
}

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];
const PORT_DEFAULT = "8080";

/** Flags first, TIDEWAY_* second, defaults last. Throws OPTION_VALUE_INVALID, PROFILE_UNKNOWN. */
export function upOptionsOf(flags: UpFlags, env: NodeJS.ProcessEnv): UpOptions {
  const profile = flags.profile ?? env["TIDEWAY_PROFILE"] ?? "demo";
  if (profile !== "demo" && profile !== "production")
    throw profileErrors.error("PROFILE_UNKNOWN", { given: { given: profile } });
  const port = parsePort("--port", flags.port ?? env["TIDEWAY_PORT"] ?? PORT_DEFAULT);
  const next = (given: string | undefined, name: string, fallback: number): number =>
    given === undefined ? fallback : parsePort(name, given);
  const operators = next(flags["operators-port"], "--operators-port", port + 1);
  const internal = next(flags["internal-port"], "--internal-port", port + 2);
  const tls = (env["TIDEWAY_TLS_CERT"] ?? "") !== "";
  const listenHost = env["TIDEWAY_LISTEN_HOST"] ?? "";
  if (profile === "demo" && listenHost !== "" && !LOOPBACK.includes(listenHost))
    throw profileErrors.error("DEMO_NOT_ON_LOOPBACK", { given: { given: listenHost } });
  // With TLS of our own we face the world; behind a proxy on this machine loopback is enough.
  const facing = profile === "production" && tls ? "0.0.0.0" : "127.0.0.1";
  const publicUrl = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  return {
    profile,
    unsafe: flags.unsafe,
    listeners: {
      public: {
        purpose: "public",
        host: listenHost === "" ? facing : listenHost,
        port,
        url: env["TIDEWAY_PUBLIC_URL"] ?? publicUrl,
      },
      operators: loopback("operators", operators),
      internal: loopback("internal", internal),
    },
    postgresUrl: parsePostgresUrl(env["TIDEWAY_POSTGRES_URL"]),
  };
}

/** Where the public listener answers from this machine, whatever address others use. */
export function healthUrlOf(listener: Listener, env: NodeJS.ProcessEnv): string {
  const tls = listener.purpose === "public" && (env["TIDEWAY_TLS_CERT"] ?? "") !== "";
  const host = ["0.0.0.0", "::"].includes(listener.host) ? "127.0.0.1" : listener.host;
  return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${listener.port}/health`;
}

function loopback(purpose: Purpose, port: number): Listener {
  return { purpose, host: "127.0.0.1", port, url: `http://127.0.0.1:${port}` };
}

function parsePort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_533) return port;
  const given = { command: "up", given: `${name} ${text}`, expected: "a port from 1 to 65533" };
  throw usageErrors.error("OPTION_VALUE_INVALID", { given });
}

function parsePostgresUrl(text: string | undefined): string | null {
  if (text === undefined || text === "") return null;
  if (URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return text;
  const given = {
    command: "up",
    given: "TIDEWAY_POSTGRES_URL",
    expected: "an address like postgresql://user:password@host:5432/postgres",
  };
  throw usageErrors.error("OPTION_VALUE_INVALID", { given });
}
