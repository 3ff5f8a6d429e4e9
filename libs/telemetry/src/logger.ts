/**
 * Logs are events: a stable name and fields, one JSON line each, with the trace they belong to.
 * Secrets and personal data are censored by field name wherever they stand.
 */
import { pino } from "pino";
import type { DestinationStream } from "pino";
import { currentTrace } from "./trace.ts";

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly service: string;
  readonly revision?: string;
  readonly instance?: string;
  readonly level?: string;
  readonly destination?: DestinationStream;
}

const SECRET_FIELDS = [
  "password",
  "token",
  "accessToken",
  "refreshToken",
  "secret",
  "authorization",
  "cookie",
  "email",
  "name",
  "note",
  "client",
];

/**
 * A logger that writes JSON lines to stdout, which the engine has pointed at a file.
 *
 * @example logger.info("invoice.paid", { invoice: "inv_...", durationMs: 12 });
 */
export function createLogger(options: LoggerOptions): Logger {
  const base = Object.fromEntries(
    Object.entries({
      service: options.service,
      revision: options.revision,
      instance: options.instance,
    }).filter(([, value]) => value !== undefined),
  );
  const settings = {
    level: options.level ?? "info",
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: "event",
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: "[censored]",
    },
    mixin: () => {
      const trace = currentTrace();
      return trace === null ? {} : { trace: trace.traceId };
    },
  };
  const sink = pino(settings, options.destination ?? pino.destination({ dest: 1, sync: true }));
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (event: string, fields?: LogFields): void => {
      sink[level](plain(fields ?? {}), event);
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** Errors as fields: name, code, message, stack and the chain of causes. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const code: unknown = Reflect.get(error, "code");
  return {
    error: error.name,
    ...(typeof code === "string" ? { code } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: errorFields(error.cause) }),
  };
}

function plain(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === "bigint" ? value.toString() : value,
    ]),
  );
}
