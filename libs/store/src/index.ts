export * from "./database-failure.ts";
export * from "./identifier.ts";
export * from "./is-answering.ts";
export * from "./migrate.ts";
export * from "./pool.ts";
export * from "./provision.ts";
export * from "./tx.ts";
