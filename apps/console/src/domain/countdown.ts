/** What the clock of a rollout says: when the judge looks next, or why it does not. */
import type { Rollout } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import { duration } from "./format.ts";

type Timed = Pick<Rollout, "state" | "nextLookAt" | "startedAt" | "finishedAt">;

/** A few words beside the step; `nowMs` is milliseconds since 1970. */
export function countdownWords(rollout: Timed, nowMs: number): string {
  switch (rollout.state) {
    case "starting":
      return "no look before it is ready";
    case "progressing":
      return lookWords(rollout.nextLookAt, nowMs);
    case "paused":
      return "clock stopped";
    case "inconclusive":
      return "waits for you";
    case "promoted":
    case "aborted":
    case "withdrawn":
    case "failed":
      return endedWords(rollout);
    default:
      return unreachable(rollout.state);
  }
}

/** The seconds left are rounded up, so that it never says 0 s while a second is running. */
function lookWords(nextLookAt: string | null, nowMs: number): string {
  if (nextLookAt === null) return "next look not set";
  const leftMs = Date.parse(nextLookAt) - nowMs;
  if (leftMs <= 0) return "looking now";
  return `next look in ${duration(Math.ceil(leftMs / 1_000) * 1_000)}`;
}

function endedWords(rollout: Timed): string {
  if (rollout.finishedAt === null) return "over";
  return `took ${duration(Date.parse(rollout.finishedAt) - Date.parse(rollout.startedAt))}`;
}
