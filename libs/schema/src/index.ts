export * from "./api.ts";
export * from "./canonical-json.ts";
export * from "./common.ts";
export * from "./declaration.ts";
export * from "./manifest.ts";
export * from "./platform-routes.ts";
