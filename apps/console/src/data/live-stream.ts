/**
 * Reads the admin api's server-sent events until told to stop.
 *
 * Fetch instead of EventSource, for two things that EventSource hides: the comment line that comes
 * each 10 s (its absence tells a dead connection from a quiet one), and the status 401 (the
 * session ended). Connects again with growing waits, for as long as the page is open.
 */
import { backoffMs, sleep } from "@tideway/kernel";

export type LiveState = "connecting" | "live" | "lost";

export interface LiveStreamOptions {
  readonly url: string;
  readonly signal: AbortSignal;
  /** The services named by a `changed` event. */
  readonly onChanged: (services: readonly string[]) => void;
  readonly onState: (state: LiveState) => void;
  readonly onSignedOut: () => void;
  readonly fetch?: typeof fetch;
  /** Silence after which the connection counts as dead; control sends a line each 10 s. */
  readonly silenceMaxMs?: number;
  readonly retryBaseMs?: number;
  readonly retryMaxMs?: number;
}

const SILENCE_MAX_MS = 25_000;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 10_000;
/** A line longer than this is no event of ours; the connection is given up. */
const LINE_LENGTH_MAX = 65_536;

/** Resolves when `signal` fires or the session ended. */
export async function readLiveStream(options: LiveStreamOptions): Promise<void> {
  const { signal } = options;
  let failures = 0;
  while (!signal.aborted) {
    const outcome = await readOnce(options);
    if (signal.aborted) return;
    if (outcome === "signed-out") {
      options.onSignedOut();
      return;
    }
    options.onState("lost");
    failures = outcome === "ended" ? 1 : failures + 1;
    const baseMs = options.retryBaseMs ?? RETRY_BASE_MS;
    await sleep(backoffMs(failures, { baseMs, maxMs: options.retryMaxMs ?? RETRY_MAX_MS }), signal);
  }
}

type Outcome = "ended" | "refused" | "signed-out";

async function readOnce(options: LiveStreamOptions): Promise<Outcome> {
  const watch = silenceWatch(options.signal, options.silenceMaxMs ?? SILENCE_MAX_MS);
  let wasLive = false;
  try {
    const response = await (options.fetch ?? fetch)(options.url, {
      headers: { accept: "text/event-stream" },
      credentials: "same-origin",
      signal: watch.signal,
    });
    if (response.status === 401) return "signed-out";
    if (!response.ok || response.body === null) return "refused";
    wasLive = true;
    options.onState("live");
    await readEvents(response.body, watch.heard, options.onChanged);
    return "ended";
  } catch {
    // Whatever broke the connection, the answer is the same: say so and connect again.
    return wasLive ? "ended" : "refused";
  } finally {
    watch.stop();
  }
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  heard: () => void,
  onChanged: LiveStreamOptions["onChanged"],
): Promise<void> {
  const decoder = new TextDecoder();
  const parse = eventParser(onChanged);
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    parse(decoder.decode(value, { stream: true }));
  }
}

/** The part of the event stream format that control writes: event, data, comments, blank lines. */
export function eventParser(
  onChanged: (services: readonly string[]) => void,
): (chunk: string) => void {
  let rest = "";
  let event = "message";
  let data = "";
  const dispatch = (): void => {
    if (event === "changed") onChanged(servicesOf(data));
    event = "message";
    data = "";
  };
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LENGTH_MAX) throw new Error("A line of the event stream is too long.");
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") dispatch();
      else if (line.startsWith("event:")) event = line.slice(6).trim();
      else if (line.startsWith("data:")) data += line.slice(5).trim();
    }
  };
}

/** An event whose data cannot be read still says that something changed. */
function servicesOf(data: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(data);
    if (value === null || typeof value !== "object" || !("services" in value)) return [];
    const { services } = value;
    if (!Array.isArray(services)) return [];
    return services.filter((service): service is string => typeof service === "string");
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function silenceWatch(
  outer: AbortSignal,
  silenceMaxMs: number,
): { signal: AbortSignal; heard: () => void; stop: () => void } {
  const inner = new AbortController();
  const abort = (): void => inner.abort();
  outer.addEventListener("abort", abort, { once: true });
  let timer = setTimeout(abort, silenceMaxMs);
  return {
    signal: inner.signal,
    heard: () => {
      clearTimeout(timer);
      timer = setTimeout(abort, silenceMaxMs);
    },
    stop: () => {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    },
  };
}
