/** What a screen needs to know of a failure, whatever threw it. */
export interface ErrorDescription {
  readonly code: string;
  readonly title: string;
  readonly action: string;
  readonly traceId: string | null;
}

/** Words for failures without a code of their own: the network's, and our own bugs. */
export interface FallbackWords {
  readonly unreachable: { readonly title: string; readonly action: string };
  readonly unexpected: { readonly title: string; readonly action: string };
}

const english: FallbackWords = {
  unreachable: {
    title: "Tideway did not answer.",
    action: "Check your connection, then try again.",
  },
  unexpected: {
    title: "This page ran into something it does not know.",
    action: "Reload the page. If it stays, tell the operator the code.",
  },
};

/**
 * Reads code, title, action and trace id from a coded error of the client or the kernel; no
 * answer (UNREACHABLE, TIMED_OUT) in the reader's words, anything else as UNEXPECTED.
 */
export function describeError(error: unknown, words: FallbackWords = english): ErrorDescription {
  if (!(error instanceof Error)) return { code: "UNEXPECTED", traceId: null, ...words.unexpected };
  const code = textOf(error, "code");
  if (code === "UNREACHABLE") return { code, traceId: null, ...words.unreachable };
  const action = textOf(error, "action") ?? textOf(fieldOf(error, "definition"), "action");
  if (code !== null && action !== null) {
    const title = textOf(error, "title") ?? error.message;
    return { code, title, action, traceId: textOf(error, "traceId") };
  }
  if (error.name === "TimeoutError")
    return { code: "TIMED_OUT", traceId: null, ...words.unreachable };
  return { code: "UNEXPECTED", traceId: null, ...words.unexpected };
}

function textOf(holder: unknown, name: string): string | null {
  const value = fieldOf(holder, name);
  return typeof value === "string" && value !== "" ? value : null;
}

function fieldOf(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null) return undefined;
  return Reflect.get(holder, name);
}
