import { sleep } from "@tideway/kernel";
import type { Home } from "../home.ts";
import type { Output } from "../output.ts";
import { readSupervisor, startSupervisor } from "../supervisor-client.ts";

const POLL_MS = 250;
const RESTARTS_MAX = 20;

/**
 * Stays until the operator interrupts or somebody stopped Tideway; starts the supervisor again when
 * it was killed (it then adopts what still runs). Resolves with why it ended.
 */
export async function stay(
  home: Home,
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<"interrupted" | "stopped elsewhere"> {
  for (let restarts = 0; ;) {
    await sleep(POLL_MS, signal);
    if (signal.aborted) return "interrupted";
    const { alive, status } = readSupervisor(home);
    // A supervisor that was told to stop takes its file along.
    if (status === null) return "stopped elsewhere";
    if (alive) continue;
    if (++restarts > RESTARTS_MAX)
      throw new Error(`The supervisor was killed ${restarts} times; see ${home.logs}.`);
    await output.step("supervisor was killed; started again", () => startSupervisor(home));
  }
}
