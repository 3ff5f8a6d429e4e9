/**
 * Starting a saga within the caller's transaction: its row, the first step where that is a
 * transaction too, and the request of the first call commit together with what the caller wrote.
 */
import { derivedId, invariant } from "@tideway/kernel";
import type { Transaction } from "@tideway/store";
import { Compile } from "typebox/compile";
import type { Validator } from "typebox/compile";
import type { TSchema } from "typebox";
import { currentTrace, formatTraceparent } from "@tideway/telemetry";
import type { SagaDefinition } from "./define-saga.ts";
import { sagaErrors } from "./errors.ts";
import { newSaga, stepSaga } from "./machine/saga.ts";
import type { SagaState, Stepped } from "./machine/state.ts";
import type { Held, PerformParts } from "./perform.ts";
import { prepare, runLocal } from "./perform.ts";
import { isKeepable } from "./store/keepable.ts";
import { findByKey, lockKey } from "./store/read.ts";
import { SAGA_PREFIX } from "./store/rows.ts";
import { insertSaga } from "./store/write.ts";

export const SAGA_DATA_BYTES_MAX = 262_144;
const KEY_BYTES_MAX = 200;

export interface StartSaga {
  /** One saga for each key, however often it is started. */
  readonly key: string;
  readonly data: unknown;
  /** True when the key is known to be fresh: spares looking. A clash is found all the same. */
  readonly isNew?: boolean;
  /**
   * False when no person waits whose token the calls would carry (a job, a consumer): what needs the
   * person is then settled, not sent. True by default.
   */
  readonly attended?: boolean;
}

export interface Started {
  readonly saga: string;
  /** Null when it had been started before. */
  readonly state: SagaState | null;
  readonly traceparent: string | null;
}

export interface StartParts extends PerformParts {
  readonly owner: string;
  readonly nowMs: number;
}

/** A start at the same moment won; the caller's transaction is run again and finds it. */
class StartedMeanwhile extends Error {
  /** PostgreSQL's code for "run it again", which `tx` does. */
  readonly code = "40001";
}

/**
 * Starts it, or finds it. Throws what the first step throws, SAGA_KEY_REUSED, SAGA_KEY_INVALID,
 * SAGA_DATA_INVALID, SAGA_DATA_TOO_LARGE, and SAGA_REQUEST_TOO_LARGE or _INVALID of the first call.
 */
export async function startSaga(
  parts: StartParts,
  t: Transaction,
  definition: SagaDefinition,
  { key, data, isNew, attended }: StartSaga,
): Promise<Started> {
  const { name, plan } = definition;
  const text = checkData(definition, key, data);
  const saga = await sagaIdOf(name, key);
  const trace = currentTrace();
  const traceparent = trace === null ? null : formatTraceparent(trace);
  if (isNew !== true) {
    // Of two at the same moment the second waits for the first one's commit, and finds it then.
    await lockKey(t, name, key);
    const found = await findByKey(t, name, key, text);
    if (found !== null && !found.same) {
      throw sagaErrors.error("SAGA_KEY_REUSED", { given: { key, name } });
    }
    if (found !== null) return { saga, state: null, traceparent };
  }
  const lost = new AbortController().signal;
  const held: Held = { saga, fence: 1, data, definition, traceparent, lost };
  const signals = {};
  const { nowMs } = parts;
  const first = stepSaga(newSaga({ saga, plan, nowMs }), {
    kind: "run",
    nowMs,
    attended: attended ?? true,
    signals,
  });
  const { state, effects } = await untilSave(parts, t, held, first);
  const [save] = effects;
  invariant(save?.kind === "save", "What begins a saga ends with its first save.");
  const row = { state, data: text, startKey: key, owner: parts.owner, traceparent };
  const inserted = await insertSaga(t, { ...row, release: save.release });
  if (!inserted) throw new StartedMeanwhile(`The saga ${saga} was started at the same moment.`);
  return { saga, state, traceparent };
}

/** The id follows from name and key. */
export function sagaIdOf(name: string, key: string): Promise<string> {
  return derivedId(SAGA_PREFIX, "saga", name, key);
}

async function untilSave(
  parts: StartParts,
  t: Transaction,
  held: Held,
  first: Stepped,
): Promise<Stepped> {
  const { nowMs } = parts;
  let stepped = first;
  for (;;) {
    const { state, effects } = stepped;
    const [effect] = effects;
    if (effect?.kind === "run-tx") {
      const outcome = await runLocal(parts, t, held, state, { kind: "run-tx", step: effect.step });
      stepped = stepSaga(state, { kind: "answered", nowMs, jitter: 0, outcome });
    } else if (effect?.kind === "prepare") {
      stepped = stepSaga(state, { ...(await prepare(held, state, effect.step)), nowMs });
    } else {
      return stepped;
    }
  }
}

function checkData({ name, input }: SagaDefinition, key: string, data: unknown): string {
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes < 1 || keyBytes > KEY_BYTES_MAX || key.includes("\0")) {
    throw sagaErrors.error("SAGA_KEY_INVALID", { given: { bytes: keyBytes } });
  }
  const validator = validatorOf(input);
  if (!validator.Check(data)) {
    const [first] = validator.Errors(data);
    const given = { name, path: first?.instancePath ?? "", problem: first?.message ?? "is wrong" };
    throw sagaErrors.error("SAGA_DATA_INVALID", { given });
  }
  const text = JSON.stringify(data);
  if (!isKeepable(text)) {
    const given = { name, path: "", problem: "holds a NUL or half of a surrogate pair" };
    throw sagaErrors.error("SAGA_DATA_INVALID", { given });
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= SAGA_DATA_BYTES_MAX) return text;
  const given = { name, bytes, bytesMax: SAGA_DATA_BYTES_MAX };
  throw sagaErrors.error("SAGA_DATA_TOO_LARGE", { given });
}

const validators = new WeakMap<TSchema, Validator>();

/** Each schema is compiled once. */
function validatorOf(schema: TSchema): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = Compile(schema);
  validators.set(schema, made);
  return made;
}
