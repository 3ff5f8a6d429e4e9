export * from "./demo.ts";
export * from "./errors.ts";
export * from "./http.ts";
