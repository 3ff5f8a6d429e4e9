export * from "./errors.ts";
export * from "./http.ts";
export * from "./demo.ts";
export * from "./views.ts";
