/** A small GET of the gateway's own: probes of health, and the keys of tokens. */
import { ASSERTION_HEADER, ASSERTION_VALID_MS, signAssertion } from "@tideway/trust";
import type { Dispatcher } from "undici";
import type { Endpoint } from "./endpoint.ts";

export interface GetOptions {
  readonly path: string;
  readonly timeoutMs: number;
  /** More is an error. */
  readonly bytesMax: number;
  /** Signs the request for a service; null for health, which needs no assertion. */
  readonly audience: string | null;
  readonly nowMs: number;
}

export interface GetReply {
  readonly status: number;
  readonly body: Buffer;
}

/** Rejects when the connection fails, with TimeoutError when there is no whole answer in time. */
export function upstreamGet(endpoint: Endpoint, options: GetOptions): Promise<GetReply> {
  const { audience, path } = options;
  const assertion = audience === null ? null : assertionOf(audience, path, options.nowMs, endpoint);
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null;
    let failure: Error | null = null;
    let isOver = false;
    let release: () => void = () => undefined;
    let status = 0;
    let bytes = 0;
    const chunks: Buffer[] = [];
    const abort = (reason: Error): void => {
      failure = reason;
      controller?.abort(reason);
      reject(reason);
    };
    const timer = setTimeout(() => {
      const error = new Error(`No answer from ${path} within ${options.timeoutMs} ms.`);
      error.name = "TimeoutError";
      abort(error);
    }, options.timeoutMs);
    const over = (): void => {
      isOver = true;
      clearTimeout(timer);
      release();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        if (failure !== null) started.abort(failure);
      },
      onResponseStart: (_, code) => {
        status = code;
      },
      onResponseData: (_, chunk) => {
        bytes += chunk.length;
        if (bytes > options.bytesMax) abort(new Error(`The answer of ${path} is too large.`));
        else chunks.push(chunk);
      },
      onResponseEnd: () => {
        over();
        resolve({ status, body: Buffer.concat(chunks) });
      },
      onResponseError: (_, error) => {
        over();
        reject(error);
      },
    };
    const headers = assertion === null ? [] : [ASSERTION_HEADER, assertion];
    const given = endpoint.dispatch({ path, method: "GET", headers, blocking: false }, handler);
    if (isOver) given();
    else release = given;
  });
}

function assertionOf(audience: string, path: string, nowMs: number, endpoint: Endpoint): string {
  return signAssertion(
    {
      caller: null,
      revision: null,
      instance: null,
      audience,
      method: "GET",
      path,
      person: null,
      expiresAtMs: nowMs + ASSERTION_VALID_MS,
    },
    endpoint.assertionKey,
  );
}
