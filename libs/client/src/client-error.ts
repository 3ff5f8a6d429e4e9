/** What a service answered instead of a reply, or that it could not be reached at all. */
export interface ClientErrorFields {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly action: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly traceId: string | null;
}

/** `status` is 0 when no answer came: nobody knows then whether the request was carried out. */
export class ClientError extends Error implements ClientErrorFields {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly action: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly traceId: string | null;

  constructor(fields: ClientErrorFields, options?: ErrorOptions) {
    super(`${fields.code}: ${fields.title}`, options);
    this.name = "ClientError";
    this.code = fields.code;
    this.status = fields.status;
    this.retryable = fields.retryable;
    this.title = fields.title;
    this.action = fields.action;
    this.given = fields.given;
    this.traceId = fields.traceId;
  }
}

export function isClientError(error: unknown, ...codes: string[]): error is ClientError {
  if (!(error instanceof ClientError)) return false;
  return codes.length === 0 || codes.includes(error.code);
}

/** The error of a reply that is not 2xx. Anything but problem+json is told as such, with its status. */
export async function errorOf(response: Response): Promise<ClientError> {
  const traceId = response.headers.get("tideway-trace");
  const text = (await response.text()).slice(0, 16_384);
  const problem = parseObject(text);
  if (problem !== null && typeof problem["code"] === "string") {
    return new ClientError({
      code: problem["code"],
      status: response.status,
      retryable: problem["retryable"] === true,
      title: textOf(problem["title"]),
      action: textOf(problem["action"]),
      given: asRecord(problem["given"]),
      traceId: typeof problem["traceId"] === "string" ? problem["traceId"] : traceId,
    });
  }
  return new ClientError({
    code: "ANSWER_UNREADABLE",
    status: response.status,
    retryable: response.status >= 502,
    title: `The answer ${response.status} could not be read.`,
    action: "Try again; if it stays, tell the operator the trace id.",
    given: {},
    traceId,
  });
}

export function unreachable(cause: unknown): ClientError {
  return new ClientError(
    {
      code: "UNREACHABLE",
      status: 0,
      retryable: true,
      title: "No answer came.",
      action: "Check the connection and try again with the same Idempotency-Key.",
      given: {},
      traceId: null,
    },
    { cause },
  );
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" ? asRecord(value) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
