export { readControlConfig } from "./config.ts";
export type { ControlConfig } from "./config.ts";
export { startControl } from "./control.ts";
export type { Control } from "./control.ts";
