export * from "./carrier.ts";
export * from "./config.ts";
export * from "./machine/delivery-types.ts";
export {
  cursorOf,
  deliveryAtStart,
  isFinished,
  isQuiet,
  stepDelivery,
  wakesAtMs,
} from "./machine/delivery.ts";
export type { DeliveryStart } from "./machine/delivery.ts";
export * from "./machine/relay.ts";
export * from "./partition.ts";
export * from "./admin-client.ts";
export { startBus } from "./bus.ts";
export type { Bus, BusOptions } from "./bus.ts";
export { busErrors } from "./errors.ts";
export { eventIdOf, eventUuidOf } from "./event-id.ts";
export { takeOwnership } from "./ownership.ts";
export type { Ownership, OwnershipOptions } from "./ownership.ts";
export { openBusPool, postgresCarrier } from "./postgres-carrier.ts";
export type { PostgresCarrierOptions } from "./postgres-carrier.ts";
