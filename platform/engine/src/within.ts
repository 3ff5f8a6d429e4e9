import { sleep } from "@tideway/kernel";

/** Whether `promise` settles within `ms`; a rejection is passed on. Leaves no timer behind. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = new AbortController();
  try {
    return await Promise.race([
      promise.then(() => true),
      sleep(ms, settled.signal).then(() => false),
    ]);
  } finally {
    settled.abort();
  }
}
