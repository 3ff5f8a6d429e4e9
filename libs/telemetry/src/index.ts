export * from "./logger.ts";
export * from "./metrics.ts";
export { parseTracestate } from "./trace-state.ts";
export * from "./trace.ts";
