/** One look at one rollout: observe, step, and write what came of it in one transaction. */
import type { RevisionState } from "@tideway/engine";
import type { GatewayState } from "@tideway/gateway";
import { isFinal, step } from "@tideway/rollout";
import type { Command, Illegal, Observation, RolloutState, Transition } from "@tideway/rollout";
import { isCoded } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { EvidenceReader } from "./evidence-reader.ts";
import type { RepeatedErrors } from "./repeated-errors.ts";
import { setStable, setWithdrawn } from "./store/revisions.ts";
import { insertDecisions, updateRollout } from "./store/rollouts.ts";
import type { RolloutRow } from "./store/rollouts.ts";

export interface LookContext {
  readonly pool: Pool;
  readonly evidence: EvidenceReader;
  readonly running: ReadonlyMap<string, RevisionState>;
  readonly gateway: GatewayState | null;
  readonly nowMs: number;
  readonly errors: RepeatedErrors;
}

export interface Look {
  readonly transition: Transition;
  readonly illegal: Illegal | null;
}

/** Between decisions the clocks are written down this often; a gap of up to 10 s is harmless. */
const SAVE_EVERY_MS = 1_000;
const FAILURE_LINES_MAX = 40;

/** Looks once. Null when another control wrote in between: look again. */
export async function lookAtRollout(
  context: LookContext,
  row: RolloutRow<RolloutState>,
  command: Command | null,
): Promise<Look | null> {
  const { nowMs } = context;
  const observation = await observe(context, row, command);
  const transition = step(row.state, observation, nowMs);
  const isQuiet = transition.decisions.length === 0 && transition.state.name === row.state.name;
  if (isQuiet && !isSaveDue(row.state, transition.state)) {
    return { transition, illegal: transition.illegal };
  }
  const written = await save(context, row, transition);
  return written ? { transition, illegal: transition.illegal } : null;
}

async function observe(
  context: LookContext,
  row: RolloutRow<RolloutState>,
  command: Command | null,
): Promise<Observation> {
  const candidate = context.running.get(row.to_revision);
  const service = context.gateway?.services.find((known) => known.service === row.service);
  return {
    candidate:
      candidate === undefined
        ? null
        : {
            ready: candidate.instances.filter(({ status }) => status === "ready").length,
            failure: candidate.failure?.reason ?? null,
          },
    evidence:
      context.gateway === null || row.state.name === "starting"
        ? null
        : await readEvidence(context, row),
    sample: service?.people ?? null,
    command,
  };
}

/** Null when it cannot be had now: a rollout waits then, and may be aborted as ever. */
async function readEvidence(
  context: LookContext,
  row: RolloutRow<RolloutState>,
): Promise<Observation["evidence"]> {
  try {
    return await context.evidence.read(row.service, row.rollout, row.state);
  } catch (error) {
    // The gateway is away, or has not heard of this rollout yet.
    if (!isCoded(error)) {
      context.errors.report("evidence.unreadable", `evidence of ${row.rollout}`, error);
    }
    return null;
  }
}

function isSaveDue(before: RolloutState, after: RolloutState): boolean {
  return (
    Math.floor(after.lookedAtMs / SAVE_EVERY_MS) !== Math.floor(before.lookedAtMs / SAVE_EVERY_MS)
  );
}

async function save(
  context: LookContext,
  row: RolloutRow<RolloutState>,
  transition: Transition,
): Promise<boolean> {
  const { state, decisions } = transition;
  const isOver = isFinal(state);
  return tx(context.pool, async (t) => {
    const written = await updateRollout(t, row, {
      state,
      phase: state.name,
      verdict: state.verdict,
      isFinal: isOver,
      outcome: state.outcome,
      failureLog: isOver ? failureLines(context.running.get(row.to_revision)) : null,
    });
    if (!written) return false;
    await insertDecisions(
      t,
      row.rollout,
      decisions.map(({ atMs, kind, by, text }) => ({ at: new Date(atMs), kind, by, text })),
    );
    if (state.name === "promoted") {
      await setStable(t, row.service, row.to_revision);
      await setWithdrawn(t, row.to_revision, "never");
    }
    if (isOver && speaksAgainst(state)) await setWithdrawn(t, row.to_revision, "now");
    return true;
  });
}

/** A rollback that its operator called off says nothing about the revision it was to return to. */
function speaksAgainst(state: RolloutState): boolean {
  if (state.name === "promoted") return false;
  return state.name !== "aborted" || state.plan.strategy === "judged";
}

function failureLines(state: RevisionState | undefined): string[] | null {
  const failure = state?.failure ?? state?.instances.find((one) => one.failure)?.failure ?? null;
  if (failure === null) return null;
  const answer = failure.body === null ? [] : [`/ready: ${failure.status ?? ""} ${failure.body}`];
  return [failure.reason, ...answer, ...failure.logLines].slice(0, FAILURE_LINES_MAX);
}
