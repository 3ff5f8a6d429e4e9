export * from "./assertion.ts";
export * from "./instance-secret.ts";
