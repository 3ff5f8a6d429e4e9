export { AccountId, TransferId, TransferKind } from "./common.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./http.ts";
