import { useQueryClient } from "@tanstack/react-query";
import { isClientError } from "@tideway/client";
import { sleep } from "@tideway/kernel";
import { useEffect, useRef, useState } from "react";
import { appendLines } from "../domain/log-view.ts";
import type { BufferedLine } from "../domain/log-view.ts";
import { admin } from "./admin.ts";
import { endSession } from "./session.ts";

export interface LogTailOptions {
  readonly service: string;
  /** One revision only; undefined for all. */
  readonly revision: string | undefined;
  readonly isFollowing: boolean;
}

export interface LogTail {
  /** Null before the first answer. */
  readonly lines: readonly BufferedLine[] | null;
  readonly error: unknown;
}

const POLL_MS = 1_500;
const RETRY_MS = 3_000;
const FIRST_LINES = 500;
const EMPTY: LogTail = { lines: null, error: null };

/**
 * The service's last lines, and what is written while it follows. Mount it anew (by a key) for
 * another service or revision: its place in the log belongs to one of them.
 */
export function useLogTail({ service, revision, isFollowing }: LogTailOptions): LogTail {
  const client = useQueryClient();
  const [tail, setTail] = useState<LogTail>(EMPTY);
  const place = useRef<string | undefined>(undefined);
  useEffect(() => {
    // A paused page still shows what was there when it was opened.
    if (!isFollowing && place.current !== undefined) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const readOn = async (): Promise<void> => {
      const query = {
        lines: FIRST_LINES,
        ...(revision === undefined ? {} : { revision }),
        ...(place.current === undefined ? {} : { after: place.current }),
      };
      const page = await admin.logs({ params: { service }, query, signal });
      place.current = page.next;
      setTail((now) => ({ lines: appendLines(now.lines ?? [], page.lines), error: null }));
    };
    const follow = async (): Promise<void> => {
      while (!signal.aborted) {
        try {
          if (!document.hidden) await readOn();
          if (!isFollowing && place.current !== undefined) return;
          await sleep(POLL_MS, signal);
        } catch (error) {
          if (signal.aborted) return;
          if (isClientError(error, "OPERATOR_SIGN_IN_NEEDED")) endSession(client);
          setTail((now) => ({ ...now, error }));
          await sleep(RETRY_MS, signal);
        }
      }
    };
    void follow();
    return () => stop.abort();
  }, [client, service, revision, isFollowing]);
  return tail;
}
