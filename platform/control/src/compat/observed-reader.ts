/**
 * Asks every running instance, once a minute, what one in a hundred of its calls was seen to rely on.
 * It is asked itself, not through the gateway, which would choose one instance for us. An instance
 * that does not answer, or is of an earlier time, is asked again the next time.
 */
import type { RevisionState } from "@tideway/engine";
import { EXPECTATIONS_PATH } from "@tideway/http";
import { sleep } from "@tideway/kernel";
import { EXPECTATIONS_MAX, Expectation } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { addObserved } from "./observed-store.ts";

const READ_EVERY_MS = 60_000;
const ANSWER_MS_MAX = 2_000;
const ANSWER_BYTES_MAX = 2 * 1_048_576;

const Answer = Type.Object({
  consumer: Type.String(),
  expects: Type.Array(Expectation, { maxItems: EXPECTATIONS_MAX }),
});

export interface ObservedReaderOptions {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly running: ReadonlyMap<string, RevisionState>;
}

/** Reads until the signal; resolves when the round under way is over. */
export async function readObserved(
  options: ObservedReaderOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(READ_EVERY_MS, signal);
    if (signal.aborted) return;
    await readObservedOnce(options, signal).catch((error: unknown) => {
      options.logger.warn("expectations.read-failed", errorFields(error));
    });
  }
}

/** One round; answers how many expectations were new. */
export async function readObservedOnce(
  { pool, running }: Pick<ObservedReaderOptions, "pool" | "running">,
  signal: AbortSignal,
): Promise<number> {
  let added = 0;
  for (const { revision, instances } of running.values()) {
    for (const { url, status } of instances) {
      if (status !== "ready" || signal.aborted) continue;
      const expects = await askInstance(url, signal);
      if (expects.length > 0) added += await addObserved(pool, revision, expects);
    }
  }
  return added;
}

async function askInstance(url: string, ending: AbortSignal): Promise<readonly Expectation[]> {
  try {
    const signal = AbortSignal.any([ending, AbortSignal.timeout(ANSWER_MS_MAX)]);
    const response = await fetch(url + EXPECTATIONS_PATH, { signal });
    const text = await response.text();
    if (!response.ok || text.length > ANSWER_BYTES_MAX) return [];
    const answer: unknown = JSON.parse(text);
    return Value.Check(Answer, answer) ? answer.expects : [];
  } catch {
    // Whatever went wrong between us and one instance, its next answer tells all of it again.
    return [];
  }
}
