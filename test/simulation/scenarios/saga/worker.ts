/**
 * A driver of the saga machine as an instance of the initiating service runs it: polls for due
 * sagas, claims a lease, executes the machine's effects, renews the lease beside it, and compares
 * the fence in every write.
 */
import type { Outcome, SagaEffect, SagaInput, SagaRequest, SagaState } from "@tideway/saga";
import { present, unreachable } from "@tideway/kernel";
import { pause } from "../../kernel/process.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import { CommitUnknown, isDatabaseError } from "../../model/database.ts";
import type { Transaction } from "../../model/database.ts";
import { atCommit } from "../../model/table.ts";
import { Holder } from "./holder.ts";
import type { SagaHouse, SagaRow } from "./house.ts";
import type { Operation } from "./participant.ts";
import { prepare } from "./plans.ts";

const POLL_MS = 300;
const CALL_MS_MAX = 3_000;
const AT_ONCE_MAX = 4;

/** Looks for due work until it is killed. */
export function* poll(house: SagaHouse, process: SimProcess): Task<void> {
  const busy = new Set<string>();
  for (;;) {
    yield* pause(house.world, POLL_MS * (0.5 + house.world.random.ms(0, 1)));
    if (busy.size >= AT_ONCE_MAX) continue;
    try {
      const due = yield* house.database.transaction(process, (t) =>
        t.statement([], (view) =>
          house.rows.all(view).flatMap(({ saga, lease }) => {
            const clockMs = house.parts.leaseClockMs(view, process);
            return lease.dueAtMs !== null && lease.dueAtMs <= clockMs ? [saga] : [];
          }),
        ),
      );
      for (const saga of due.filter((one) => !busy.has(one)).slice(0, AT_ONCE_MAX - busy.size)) {
        busy.add(saga);
        process.spawn(work(house, process, saga, () => busy.delete(saga)));
      }
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      if (house.parts.afterPollError === "never") return;
    }
  }
}

function* work(house: SagaHouse, process: SimProcess, saga: string, done: () => void): Task<void> {
  yield* runSaga(house, process, saga, false);
  done();
}

/** Claims a saga and runs it as far as it goes now. */
export function* runSaga(
  house: SagaHouse,
  process: SimProcess,
  saga: string,
  attended: boolean,
): Task<void> {
  const holder = new Holder(house, process, saga);
  const row = yield* holder.claim();
  if (row === null) return;
  process.spawn(holder.renew());
  let open: Transaction | null = null;
  let stepped = house.parts.stepSaga(row.state, {
    kind: "run",
    nowMs: house.database.nowMs(),
    attended,
    signals: row.signals,
  });
  for (;;) {
    const [effect] = stepped.effects;
    if (effect === undefined || isLast(effect)) break;
    if (effect.kind !== "save" && holder.isLost()) break;
    const run = { house, process, row, holder, open };
    const result: Done = yield* execute(run, effect, stepped.state);
    open = result.open;
    house.world.note(process.name, saga, effect.kind, result.input.kind);
    stepped = house.parts.stepSaga(stepped.state, result.input);
  }
  open?.rollback();
  holder.end();
}

interface Run {
  readonly house: SagaHouse;
  readonly process: SimProcess;
  readonly row: SagaRow;
  readonly holder: Holder;
  readonly open: Transaction | null;
}

interface Done {
  readonly open: Transaction | null;
  readonly input: SagaInput;
}

function isLast({ kind }: SagaEffect): boolean {
  return kind === "released" || kind === "abandon" || kind === "refuse";
}

function* execute(run: Run, effect: SagaEffect, state: SagaState): Task<Done> {
  const { house, row } = run;
  const { database, world } = house;
  const answered = (outcome: Outcome, open: Transaction | null): Done => {
    const input = { kind: "answered", outcome, jitter: world.random.ms(0, 1) * 0.999 } as const;
    return { open, input: { ...input, nowMs: database.nowMs() } };
  };
  switch (effect.kind) {
    case "prepare": {
      const prepared = prepare(house.schemeOf(row.shape), row.saga, effect.step, row.amount);
      return { open: run.open, input: { kind: "prepared", nowMs: database.nowMs(), ...prepared } };
    }
    case "run-tx":
    case "undo-tx":
      return yield* runLocally(run, effect, answered);
    case "call":
      return answered(yield* call(run, effect.request), null);
    case "settle":
      return answered(yield* call(run, settlingOf(effect.request, effect.final)), null);
    case "undo":
      return answered(yield* callAll(run, effect.requests), null);
    case "save":
      return { open: null, input: yield* save(run, state, effect.release) };
    case "released":
    case "abandon":
    case "refuse":
      throw new Error(`${effect.kind} is an end and not executed.`);
    default:
      return unreachable(effect);
  }
}

/** A step of the service's own database: its transaction stays open for the save that follows. */
function* runLocally(
  { house, process, row }: Run,
  effect: Extract<SagaEffect, { kind: "run-tx" | "undo-tx" }>,
  answered: (outcome: Outcome, open: Transaction | null) => Done,
): Task<Done> {
  let open: Transaction | null = null;
  try {
    open = yield* house.database.begin(process);
    const step = row.state.plan.steps[effect.step]?.name ?? "";
    const act = effect.kind === "run-tx" ? "done" : "undone";
    yield* open.statement([], (view) =>
      atCommit(view, () => house.tellSaga(row.saga, { step, act })),
    );
    return answered({ kind: "done", result: null }, open);
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    open?.rollback();
    const problem = { code: "UPSTREAM_UNAVAILABLE", detail: "The database is away." };
    return answered({ kind: "busy", problem }, null);
  }
}

function settlingOf(request: SagaRequest, burns: boolean): SagaRequest {
  // The scenario's own requests carry an Operation.
  const operation = request.body as Operation;
  const key = `${request.key}.look`;
  return { ...request, body: { ...operation, act: "look", of: operation.key, key, burns } };
}

function* callAll(run: Run, requests: readonly SagaRequest[]): Task<Outcome> {
  for (const request of requests) {
    const outcome = yield* call(run, request);
    if (outcome.kind !== "done") return outcome;
  }
  return { kind: "done", result: null };
}

function* call({ house }: Run, request: SagaRequest): Task<Outcome> {
  const callee = present(house.participants.get(request.service), "Plans name who takes part.");
  // The scenario's own requests carry an Operation; the key is the header's.
  const operation = { ...(request.body as Operation), key: request.key };
  const outcome = yield* house.network.call(callee, operation, CALL_MS_MAX);
  const problem = (code: string) => ({ code, detail: `${request.service}${request.path}` });
  if (outcome.kind === "lost") return { kind: "unknown", problem: problem("NO_ANSWER") };
  if (outcome.kind === "refused") return { kind: "busy", problem: problem("NOT_REACHED") };
  const reply = outcome.value;
  if (reply.kind === "done") return { kind: "done", result: null };
  if (reply.kind === "refused") return { kind: "refused", problem: problem(reply.code) };
  return { kind: "unknown", problem: problem("SERVER_ERROR") };
}

/** Writes the state down in the open transaction or in one of its own, if the fence is still ours. */
function* save(run: Run, state: SagaState, release: boolean): Task<SagaInput> {
  const { house, process, row, holder } = run;
  let t = run.open;
  try {
    t ??= yield* house.database.begin(process);
    const isOurs = yield* t.statement([row.saga], (view) => holder.write(view, state, release));
    if (!isOurs) {
      t.rollback();
      return { kind: "fenced" };
    }
    yield* t.commit();
    return { kind: "committed", nowMs: house.database.nowMs() };
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    t?.rollback();
    if (error instanceof CommitUnknown) return { kind: "unknown" };
    const problem = { code: "UPSTREAM_UNAVAILABLE", detail: "The database is away." };
    const jitter = house.world.random.ms(0, 1) * 0.999;
    return { kind: "failed", nowMs: house.database.nowMs(), jitter, problem };
  }
}
