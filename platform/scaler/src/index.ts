export { calledServices } from "./called-services.ts";
export { wantedInstances } from "./wanted-instances.ts";
export type { InstanceBounds, Observed, ScalerInput } from "./wanted-instances.ts";
