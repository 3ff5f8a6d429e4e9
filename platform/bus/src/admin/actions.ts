/** What operators and control may ask of the bus. */
import { commonErrors } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { Carrier } from "../carrier.ts";
import type {
  BusConfig,
  BusHealth,
  GroupView,
  KeyView,
  LoggedEvent,
  ReplayRequest,
} from "../config.ts";
import type { ConfigStore } from "../config-store.ts";
import type { Deliveries } from "../delivery/deliveries.ts";
import type { Flow } from "../delivery/flow-driver.ts";
import type { Writer } from "../delivery/flow-store.ts";
import { busErrors } from "../errors.ts";
import type { Relays } from "../relay/relays.ts";
import { groupView } from "./group-view.ts";
import { listKeys, redriveInTable } from "./keys.ts";
import type { KeysQuery } from "./keys.ts";
import { listEvents } from "./log-page.ts";
import type { EventsQuery } from "./log-page.ts";
import { replayStart } from "./replay-start.ts";
import { countWaiting } from "./waiting-count.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface BusActions {
  /** Keeps and applies it. Throws BUS_EPOCH_STALE. */
  configure(config: BusConfig): Promise<void>;
  /** From memory alone, at once: their lag has nothing of what is parked. */
  groups(): readonly GroupView[];
  /** With a lag that counts everything; from memory while the database is away. */
  countedGroups(): Promise<readonly GroupView[]>;
  /** Keys in trouble of a group. Throws GROUP_UNKNOWN. */
  keys(group: string, query: KeysQuery): Promise<Page<KeyView>>;
  /** Tries again what is quarantined, or one key; answers how many keys. Throws KEY_UNKNOWN. */
  redrive(group: string, key: string | null): Promise<number>;
  /** Throws EVENT_NOT_IN_LOG, REPLAYS_TOO_MANY. */
  replay(group: string, request: ReplayRequest): Promise<number>;
  /** Events of the log, the newest first. */
  events(query: EventsQuery): Promise<Page<LoggedEvent>>;
  /** The epoch in force. Throws BUS_NOT_CONFIGURED. */
  health(): BusHealth;
}

export interface ActionParts {
  readonly writer: Writer;
  readonly carrier: Carrier;
  readonly config: ConfigStore;
  readonly deliveries: Deliveries;
  readonly relays: Relays;
  readonly apply: (config: BusConfig) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly durability: BusHealth["durability"];
}

export function busActions(parts: ActionParts): BusActions {
  const { writer, carrier, config, deliveries, clock } = parts;
  let configuring: Promise<void> = Promise.resolve();
  const knownGroup = (group: string): void => {
    if (deliveries.flowsOf(group).length > 0) return;
    throw busErrors.error("GROUP_UNKNOWN", { given: { group } });
  };
  const living = (): readonly Flow[] => deliveries.flows.filter(({ name }) => name.replay === 0);
  return {
    configure: (next) => {
      // One after the other: a later one must not be overtaken while an earlier one is applied.
      const applied = configuring.then(async () => {
        await config.put(next);
        await parts.apply(next);
      });
      configuring = applied.catch(() => undefined);
      return applied;
    },
    groups: () => living().map((flow) => groupView(flow, clock.now())),
    countedGroups: async () => {
      const flows = living();
      try {
        const counted = await countWaiting(writer.pool, carrier, flows);
        return flows.map((flow) => groupView(flow, clock.now(), counted.get(flow.name.group)));
      } catch (error) {
        // Whatever it is: who looks at the groups now wants to see the rest of them most of all.
        parts.logger.warn("groups.not-counted", errorFields(error));
        return flows.map((flow) => {
          return { ...groupView(flow, clock.now()), lagIsApproximate: true } as const;
        });
      }
    },
    keys: async (group, query) => {
      knownGroup(group);
      return listKeys(writer.pool, group, query);
    },
    redrive: async (group, key) => {
      knownGroup(group);
      // Written down before it takes effect, so that it outlives us.
      const keys = await redriveInTable(writer, group, key);
      if (keys === 0 && key !== null) {
        throw busErrors.error("KEY_UNKNOWN", { given: { group, key } });
      }
      for (const flow of deliveries.flowsOf(group)) flow.feed({ kind: "redrive", key });
      return keys;
    },
    replay: async (group, request) => {
      knownGroup(group);
      const after = await replayStart(carrier, request);
      return deliveries.replay(group, { after, types: request.types ?? null });
    },
    events: (query) => listEvents(carrier, query),
    health: () => {
      const { current } = config;
      if (current === null) throw busErrors.error("BUS_NOT_CONFIGURED");
      return { status: "ok", epoch: current.epoch, durability: parts.durability };
    },
  };
}

/** A query parameter that is not as it must be. */
export function badQuery(path: string, problem: string): Error {
  return commonErrors.error("BODY_INVALID", { given: { path, problem } });
}
