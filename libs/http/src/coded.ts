/** What the HTTP library refuses by itself, under our codes. */
import { commonErrors } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";

/** Fastify's own refusals of a request, under our codes. */
export function codedOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = Reflect.get(error, "code");
  switch (code) {
    case "FST_ERR_VALIDATION":
      return bodyInvalid(error);
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return commonErrors.error("BODY_TOO_LARGE", { cause: error });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return commonErrors.error("MEDIA_TYPE_UNSUPPORTED", { cause: error });
    case "FST_ERR_CTP_INVALID_JSON_BODY":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return commonErrors.error("BODY_MALFORMED", { cause: error });
    default:
      return error instanceof SyntaxError && Reflect.get(error, "statusCode") === 400
        ? commonErrors.error("BODY_MALFORMED", { cause: error })
        : error;
  }
}

function bodyInvalid(error: Error): CodedError {
  const first: unknown = Reflect.get(error, "validation");
  const detail: unknown = Array.isArray(first) ? first[0] : null;
  const field = (name: string): string => {
    const value: unknown =
      detail !== null && typeof detail === "object" ? Reflect.get(detail, name) : null;
    return typeof value === "string" ? value : "";
  };
  const context: unknown = Reflect.get(error, "validationContext");
  return commonErrors.error("BODY_INVALID", {
    given: {
      path: `${typeof context === "string" ? context : "request"}${field("instancePath")}`,
      problem: field("message") || "is not as declared",
    },
    cause: error,
  });
}
