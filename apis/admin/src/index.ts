export * from "./compatibility.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./http.ts";
export * from "./demo.ts";
export * from "./views.ts";
