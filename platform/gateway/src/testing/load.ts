/** A steady load over kept connections, counted by status; a broken connection counts as 0. */
import { Agent } from "node:http";
import { send } from "./fixture.ts";
import type { SendOptions } from "./fixture.ts";

export interface Load {
  /** Answers by status so far. */
  readonly counts: ReadonlyMap<number, number>;
  readonly total: number;
  stop(): Promise<ReadonlyMap<number, number>>;
}

export function startLoad(
  port: number,
  path: string,
  options: SendOptions & { readonly concurrency: number },
): Load {
  const { concurrency, ...request } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const counts = new Map<number, number>();
  const stopping = new AbortController();
  let total = 0;
  const worker = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const status = await send(port, path, { ...request, agent }).then(
        (reply) => reply.status,
        () => 0,
      );
      counts.set(status, (counts.get(status) ?? 0) + 1);
      total++;
    }
  };
  const workers = Array.from({ length: concurrency }, worker);
  return {
    counts,
    get total() {
      return total;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(workers);
      agent.destroy();
      return counts;
    },
  };
}
