/**
 * Expected failures. A catalogue gives each one a code that is never reused, an HTTP status,
 * whether the same request may be tried again, and what the reader can do about it.
 */
export interface ErrorDefinition {
  readonly status: number;
  /** True when the very same request, with the same idempotency key, may succeed later. */
  readonly retryable: boolean;
  /** What happened, with `{placeholders}` filled from `given`. */
  readonly title: string;
  /** What to do next, with the same placeholders. */
  readonly action: string;
}

export type ErrorCatalogue = Readonly<Record<string, ErrorDefinition>>;
export type Given = Readonly<Record<string, string | number | boolean>>;

export interface CodedErrorOptions {
  readonly given?: Given;
  readonly cause?: unknown;
}

/** The one class of expected failures; told apart by `code`, never by `instanceof` of a subclass. */
export class CodedError extends Error {
  readonly code: string;
  readonly definition: ErrorDefinition;
  readonly given: Given;
  /** What to do next, filled from `given`. */
  readonly action: string;

  constructor(code: string, definition: ErrorDefinition, options: CodedErrorOptions = {}) {
    const given = options.given ?? {};
    super(fillTemplate(definition.title, given), { cause: options.cause });
    this.name = "CodedError";
    this.code = code;
    this.definition = definition;
    this.given = given;
    this.action = fillTemplate(definition.action, given);
  }
}

/**
 * Declares a catalogue; the result makes coded errors by name.
 *
 * @example
 * const errors = defineErrors({
 *   INVOICE_NOT_FOUND: { status: 404, retryable: false, title: "No invoice {id}.", action: "Check the link." },
 * });
 * throw errors.error("INVOICE_NOT_FOUND", { given: { id } });
 */
export function defineErrors<const T extends ErrorCatalogue>(definitions: T): DefinedErrors<T> {
  return {
    definitions,
    error: (code, options) => {
      const definition = definitions[code];
      if (definition === undefined) throw new Error(`The code ${code} is not in the catalogue.`);
      return new CodedError(code, definition, options);
    },
  };
}

export interface DefinedErrors<T extends ErrorCatalogue = ErrorCatalogue> {
  readonly definitions: T;
  error(code: keyof T & string, options?: CodedErrorOptions): CodedError;
}

/** Whether `error` is an expected failure, optionally one of the given codes. */
export function isCoded(error: unknown, ...codes: string[]): error is CodedError {
  if (!(error instanceof CodedError)) return false;
  return codes.length === 0 || codes.includes(error.code);
}

function fillTemplate(template: string, given: Given): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

/** Failures any part may meet. */
export const commonErrors = defineErrors({
  INTERNAL: {
    status: 500,
    retryable: false,
    title: "Something broke on our side.",
    action: "Try again later; if it stays, tell the operator the trace id.",
  },
  BODY_INVALID: {
    status: 400,
    retryable: false,
    title: "The request does not match the schema: {path} {problem}.",
    action: "Correct the named field and send it again.",
  },
  BODY_MALFORMED: {
    status: 400,
    retryable: false,
    title: "The body is not valid JSON.",
    action: "Send a JSON document with content-type application/json.",
  },
  BODY_TOO_LARGE: {
    status: 413,
    retryable: false,
    title: "The body is larger than {limitBytes} bytes.",
    action: "Send less in one request.",
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    retryable: false,
    title: "The content type {given} is not supported here.",
    action: "Send application/json.",
  },
  ROUTE_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is nothing at {method} {path}.",
    action: "Check the method and the address.",
  },
  TOKEN_MISSING: {
    status: 401,
    retryable: false,
    title: "This needs a signed-in person.",
    action: "Sign in and send the token as authorization: Bearer.",
  },
  TOKEN_INVALID: {
    status: 401,
    retryable: false,
    title: "The token is not valid: {reason}.",
    action: "Sign in again.",
  },
  CALLER_UNKNOWN: {
    status: 401,
    retryable: false,
    title: "The caller did not prove who it is.",
    action: "Call through the gateway; services are not called directly.",
  },
  CALLER_FORBIDDEN: {
    status: 403,
    retryable: false,
    title: "{caller} may not call {target}.",
    action: "Add the service to `calls` in the caller's declaration and release it.",
  },
  IDEMPOTENCY_KEY_MISSING: {
    status: 400,
    retryable: false,
    title: "This request changes money and needs an Idempotency-Key.",
    action: "Send a fresh random Idempotency-Key, and the same one when you retry.",
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    retryable: false,
    title: "The Idempotency-Key must be 8 to 255 visible characters.",
    action: "Send a UUID.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    retryable: false,
    title: "This Idempotency-Key was used with another request.",
    action: "Use a new key for a new request.",
  },
  AMOUNT_INVALID: {
    status: 400,
    retryable: false,
    title:
      "The amount {given} is not a positive whole number of minor units with at most 39 digits.",
    action: "Send the amount as a decimal string of minor units, for example 480 for 4.80 EUR.",
  },
  ASSET_UNKNOWN: {
    status: 400,
    retryable: false,
    title: "There is no asset {asset}.",
    action: "Use one of the assets listed by the ledger.",
  },
  DEADLINE_EXCEEDED: {
    status: 504,
    retryable: true,
    title: "No answer within {deadlineMs} ms.",
    action: "Try again with the same Idempotency-Key; nothing is done twice.",
  },
  UPSTREAM_UNAVAILABLE: {
    status: 503,
    retryable: true,
    title: "{service} cannot answer just now.",
    action: "Try again in a moment with the same Idempotency-Key.",
  },
  UPSTREAM_RESET: {
    status: 502,
    retryable: true,
    title: "{service} broke off in the middle of the request.",
    action: "Try again with the same Idempotency-Key; nothing is done twice.",
  },
  OVERLOADED: {
    status: 503,
    retryable: true,
    title: "{service} has too many requests waiting.",
    action: "Wait as long as Retry-After says and try again.",
  },
});
