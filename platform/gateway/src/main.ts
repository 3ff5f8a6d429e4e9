/** The gateway as a process; docs/explain/parts.md names what it gets and what signals do. */
import { createLogger, errorFields } from "@tideway/telemetry";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { startGateway } from "./gateway.ts";

const logger = createLogger({ service: "gateway" });

try {
  const home = setting("TIDEWAY_HOME");
  const gateway = await startGateway({
    publicListen: setting("TIDEWAY_PUBLIC_LISTEN"),
    internalListen: setting("TIDEWAY_INTERNAL_LISTEN"),
    publicUrl: setting("TIDEWAY_PUBLIC_URL"),
    // Where the home is too deep for a socket, run/ is a link to a shorter path.
    adminSocket: join(realpathSync(join(home, "run")), "gateway.sock"),
    configFile: join(home, "gateway", "config.json"),
    accessLog: join(home, "logs", "access.log"),
    logger,
    ...tls(),
    trustedProxies: process.env["TIDEWAY_TRUSTED_PROXY"] ?? "",
  });
  const end = (): void => {
    gateway.close().then(() => process.exit(0), fatal);
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.on("uncaughtException", fatal);
} catch (error) {
  fatal(error);
}

function tls() {
  if (!process.env["TIDEWAY_TLS_CERT"]) return {};
  return { tls: { certFile: setting("TIDEWAY_TLS_CERT"), keyFile: setting("TIDEWAY_TLS_KEY") } };
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set.`);
  return value;
}

function fatal(error: unknown): void {
  logger.error("gateway.fatal", errorFields(error));
  process.exit(1);
}
