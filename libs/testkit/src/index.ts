export * from "./test-database.ts";
export * from "./test-service.ts";
