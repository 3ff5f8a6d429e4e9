export * from "./carrier.ts";
export * from "./config.ts";
