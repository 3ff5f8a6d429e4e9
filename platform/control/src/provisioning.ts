/**
 * What a revision needs before its first instance starts: its service's database with all of its
 * migrations, and a login. And what each instance is told.
 */
import { join } from "node:path";
import { adminErrors } from "@tideway/api-admin";
import type { Revision } from "@tideway/engine";
import { isCoded } from "@tideway/kernel";
import { allowConnections, issueLogin, migrate, provisionDatabase } from "@tideway/store";
import type { ControlConfig } from "./config.ts";
import { readSecret, serviceKeyOf, writeSecret } from "./secrets.ts";

export interface Provisioning {
  /** Makes the database and runs the migrations. Throws MIGRATION_FAILED; no traffic has moved then. */
  prepare(revision: Revision): Promise<void>;
  /** The environment of one instance, beside what the engine adds. */
  environment(revision: Revision, instance: string): Promise<Readonly<Record<string, string>>>;
}

export interface ProvisioningOptions {
  readonly config: ControlConfig;
  readonly masterKey: Buffer;
  /** Control's own variables, for those that declarations name. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Stable and candidate connect at the same time, and each drains while the next one starts. */
const REVISIONS_AT_ONCE = 3;

export function createProvisioning(options: ProvisioningOptions): Provisioning {
  const { config, masterKey, variables } = options;
  const urls = new Map<string, Promise<string>>();
  const urlOf = (revision: Revision): Promise<string> => {
    const known = urls.get(revision.service);
    if (known !== undefined) return known;
    const made = loginUrl(config, revision);
    urls.set(revision.service, made);
    made.catch(() => urls.delete(revision.service));
    return made;
  };
  return {
    prepare: (revision) => prepare(config, revision),
    environment: async (revision) => {
      const { manifest } = revision;
      const perInstance = Math.floor(
        manifest.connectionsMax / Math.max(1, manifest.scaling.instancesMin),
      );
      return {
        // First, so that no declaration can name away what the platform says.
        ...pick(variables, ["TIDEWAY_LOG_LEVEL", ...manifest.configuration]),
        TIDEWAY_INTERNAL_URL: config.internalUrl,
        TIDEWAY_PUBLIC_URL: config.publicUrl,
        TIDEWAY_PROFILE: config.profile,
        TIDEWAY_SERVICE_KEY: serviceKeyOf(masterKey, revision.service),
        TIDEWAY_CONNECTIONS_MAX: String(Math.max(2, perInstance)),
        ...(manifest.database ? { TIDEWAY_DATABASE_URL: await urlOf(revision) } : {}),
      };
    },
  };
}

async function prepare(config: ControlConfig, revision: Revision): Promise<void> {
  if (!revision.manifest.database) return;
  const database = await provision(config, revision);
  await allowConnections({
    adminUrl: config.postgresUrl,
    login: loginOf(revision),
    connectionsMax: connectionsOf(revision),
  });
  try {
    await migrate({
      url: database.adminUrl,
      folder: join(revision.folder, "migrations"),
      platformFolder: join(revision.folder, "platform-migrations"),
      ownerRole: database.ownerRole,
    });
  } catch (error) {
    if (!isCoded(error)) throw error;
    throw adminErrors.error("MIGRATION_FAILED", {
      given: { file: error.given["file"] ?? "", problem: error.given["problem"] ?? error.message },
      cause: error,
    });
  }
}

function provision(config: ControlConfig, revision: Revision) {
  return provisionDatabase({
    adminUrl: config.postgresUrl,
    service: revision.service,
    connectionsMax: connectionsOf(revision),
  });
}

/** The address kept in secrets, so that instances which outlive control keep a password that works. */
async function loginUrl(config: ControlConfig, revision: Revision): Promise<string> {
  const path = join(config.home, "secrets", "database", `${revision.service}.url`);
  const known = await readSecret(path);
  if (known !== null) return known;
  const url = await issueLogin({
    adminUrl: config.postgresUrl,
    database: await provision(config, revision),
    login: loginOf(revision),
    connectionsMax: connectionsOf(revision),
  });
  await writeSecret(path, url);
  return url;
}

/** As `provisionDatabase` names it. */
export function databaseOf(service: string): string {
  return `tideway_${service.replaceAll("-", "_")}`;
}

function loginOf(revision: Revision): string {
  return `${revision.service.replaceAll("-", "_")}_login_a`;
}

function connectionsOf(revision: Revision): number {
  return revision.manifest.connectionsMax * REVISIONS_AT_ONCE;
}

function pick(
  variables: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = variables[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
