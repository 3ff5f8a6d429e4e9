/**
 * The gateway between the bus and the instances, and the releases that move its splits: it refuses
 * a delivery that is pinned to an older epoch, and passes the others to the pinned revision.
 */
import type { DeliverySplit } from "@tideway/bus";
import type { SimProcess, Task } from "../../kernel/process.ts";
import type { World } from "../../kernel/world.ts";
import type { Network, Server } from "../../model/network.ts";
import type { InstanceReply } from "./consumer.ts";
import type { SimEvent } from "./producer.ts";

export type GatewayRequest =
  | { readonly kind: "split"; readonly service: string }
  | {
      readonly kind: "deliver";
      readonly service: string;
      readonly revision: string;
      readonly epoch: number;
      readonly events: readonly SimEvent[];
    };

export type GatewayReply =
  | { readonly kind: "split"; readonly split: DeliverySplit }
  | { readonly kind: "results"; readonly reply: InstanceReply }
  | { readonly kind: "stale" }
  | { readonly kind: "unavailable" };

export type Instance = Server<readonly SimEvent[], InstanceReply>;

export interface GatewayHouse {
  readonly network: Network;
  /** By service; releases change them. */
  readonly splits: Map<string, DeliverySplit>;
  /** By service and revision. */
  readonly instances: ReadonlyMap<string, Instance>;
}

/** A route's deadline at the gateway. */
const FORWARD_MS_MAX = 8_000;

export function createGateway(
  house: GatewayHouse,
  process: SimProcess,
): Server<GatewayRequest, GatewayReply> {
  const { network, splits, instances } = house;
  const answer = function* (request: GatewayRequest): Task<GatewayReply> {
    const split = splits.get(request.service);
    if (split === undefined) return { kind: "unavailable" };
    if (request.kind === "split") return { kind: "split", split };
    if (request.epoch < split.epoch) return { kind: "stale" };
    const instance = instances.get(`${request.service} ${request.revision}`);
    if (instance === undefined) return { kind: "unavailable" };
    const outcome = yield* network.call(instance, request.events, FORWARD_MS_MAX);
    if (outcome.kind !== "answered") return { kind: "unavailable" };
    return { kind: "results", reply: outcome.value };
  };
  return {
    process,
    *answer(request, reply) {
      reply(yield* answer(request));
    },
  };
}

/** Rollouts of a service, one after another: begun, widened, then aborted or promoted. */
export function release(world: World, splits: Map<string, DeliverySplit>, service: string): void {
  const { random } = world;
  const revisions = ["r1", "r2"];
  let epoch = 1;
  const change = (split: Omit<DeliverySplit, "epoch">): void => {
    splits.set(service, { ...split, epoch: ++epoch });
    world.note(service, "split", split.stable, split.candidate ?? "-", split.weight);
  };
  const later = (act: () => void): void => world.after(random.ms(200, 12_000), act);
  const begin = (rollout: number): void => {
    const [stable = "r1", candidate = "r2"] = revisions;
    const at = (weight: number) => change({ stable, candidate, weight, rollout: `rol-${rollout}` });
    at(random.pick([5, 25, 50]));
    later(() => {
      at(random.pick([50, 75, 95]));
      later(() => {
        const promoted = random.chance(0.5);
        if (promoted) revisions.reverse();
        const [now = "r1"] = revisions;
        change({ stable: now, candidate: null, weight: 0, rollout: null });
        if (rollout < 3) later(() => begin(rollout + 1));
      });
    });
  };
  splits.set(service, { stable: "r1", candidate: null, weight: 0, rollout: null, epoch });
  if (random.chance(0.8)) later(() => begin(1));
}
