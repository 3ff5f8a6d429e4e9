/** Waits for a rollout to end, printing what changes; its outcome is the exit code. */
import type { Rollout } from "@tideway/api-admin";
import { sleep, unreachable } from "@tideway/kernel";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { Admin } from "./admin.ts";
import { releaseErrors } from "./errors.ts";
import { patiently } from "./patience.ts";
import { renderRollout } from "./render-rollout.ts";

export interface FollowOptions {
  readonly admin: Admin;
  readonly rollout: string;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Repaints the whole picture; otherwise only new decisions are printed. */
  readonly repaint: boolean;
  readonly timeoutSeconds: number;
}

const LOOK_EVERY_MS = 500;

/** Follows until the rollout is over or waits for an operator. */
export async function followRollout(options: FollowOptions): Promise<Rollout> {
  const { output, signal } = options;
  const endsAtMs = performance.now() + options.timeoutSeconds * 1_000;
  let printed = 0;
  let painted = 0;
  for (;;) {
    const params = { rolloutId: options.rollout };
    const rollout = await patiently(() => options.admin.rollout({ params }), signal);
    if (options.repaint) painted = repaint(rollout, painted);
    else printed = printNew(rollout, printed, output);
    if (rollout.finishedAt !== null || rollout.state === "inconclusive") return rollout;
    if (performance.now() > endsAtMs) {
      const given = { service: rollout.service, seconds: options.timeoutSeconds };
      throw releaseErrors.error("WAIT_TOO_LONG", { given });
    }
    await sleep(LOOK_EVERY_MS, signal);
    signal.throwIfAborted();
  }
}

/** What became of a deploy, for scripts. */
export function exitCodeOf(rollout: Rollout): ExitCode {
  switch (rollout.state) {
    case "promoted":
      return EXIT.ok;
    case "withdrawn":
    case "aborted":
    case "failed":
      return EXIT.rolledBack;
    case "inconclusive":
    case "paused":
      return EXIT.inconclusive;
    case "starting":
    case "progressing":
      return EXIT.ok;
    default:
      return unreachable(rollout.state);
  }
}

function printNew(rollout: Rollout, printed: number, output: Output): number {
  const decisions = rollout.decisions.toReversed();
  for (const decision of decisions.slice(printed)) {
    output.note(`${decision.at.slice(11, 19)}  ${decision.text}  ${output.dim(decision.by)}`);
  }
  return decisions.length;
}

function repaint(rollout: Rollout, lines: number): number {
  const text = renderRollout(rollout, { colour: process.stdout.isTTY, nowMs: Date.now() });
  if (process.stdout.isTTY && lines > 0) process.stdout.write(`\u001b[${lines}A\u001b[J`);
  process.stdout.write(`${text.join("\n")}\n`);
  return text.length;
}
