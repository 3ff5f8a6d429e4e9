export * from "./client-error.ts";
export * from "./create-client.ts";
