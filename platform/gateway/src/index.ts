export * from "./admin-client.ts";
export { Apps } from "./apps.ts";
export { checkConfig } from "./config-check.ts";
export * from "./config.ts";
export { gatewayErrors } from "./errors.ts";
export { startGateway } from "./gateway.ts";
export type { Gateway, GatewayOptions } from "./gateway.ts";
export { keyDigitsOf, laneOf, laneOfKey, placeOf } from "./split.ts";
export type { Place } from "./split.ts";
