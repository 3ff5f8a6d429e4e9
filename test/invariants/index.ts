export * from "./bank.ts";
export * from "./lease.ts";
export * from "./order.ts";
export * from "./saga.ts";
export * from "./set.ts";
export * from "./violation.ts";
