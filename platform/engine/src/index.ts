export * from "./engine.ts";
export { engineErrors } from "./errors.ts";
export { ENGINE_LIMITS } from "./options.ts";
export type { EngineLimits, EnvironmentOf, ProcessEngineOptions } from "./options.ts";
export { createProcessEngine } from "./process-engine.ts";
export type { ProcessEngine } from "./process-engine.ts";
