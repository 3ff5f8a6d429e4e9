export * from "./assertion.ts";
export * from "./instance-secret.ts";
export * from "./sealed-box.ts";
