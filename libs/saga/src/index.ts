export { createSagaCall } from "./caller.ts";
export type { SagaCall } from "./caller.ts";
export { defineSaga } from "./define-saga.ts";
export type {
  CallOptions,
  PivotOptions,
  RequestDraft,
  SagaContext,
  SagaDefinition,
  SagaOptions,
  SettleOptions,
  StepMakers,
  TxOptions,
} from "./define-saga.ts";
export { sagaErrors } from "./errors.ts";
export * from "./machine/backoff.ts";
export * from "./machine/lease.ts";
export { isPastPivot } from "./machine/parts.ts";
export * from "./machine/plan.ts";
export { isOver, newSaga, stepSaga } from "./machine/saga.ts";
export type { NewSaga } from "./machine/saga.ts";
export type * from "./machine/state.ts";
export { createSagaModule } from "./module.ts";
export type { SagaModuleOptions, Sagas } from "./module.ts";
export { outcomeOfCall, problemOf } from "./outcome.ts";
export { SAGA_DATA_BYTES_MAX, sagaIdOf } from "./start-saga.ts";
export type { StartSaga } from "./start-saga.ts";
export { START_NEW_AFTER_MS } from "./versions.ts";
export type { SagaView } from "./view.ts";
