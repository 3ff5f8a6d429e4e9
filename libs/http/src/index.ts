export * from "./config.ts";
export * from "./context.ts";
export * from "./handler.ts";
export * from "./idempotency.ts";
export * from "./internal-client.ts";
export * from "./problem.ts";
export * from "./service.ts";
