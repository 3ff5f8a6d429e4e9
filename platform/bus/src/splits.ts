/**
 * The gateway's present splits: asked once a second, and at once when a delivery met an older one.
 */
import type { SplitView, SplitsPage } from "@tideway/gateway";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";

export const SPLITS_EVERY_MS = 1_000;
/** Between two questions, however many deliveries were refused. */
const SPLITS_APART_MS = 50;

export interface SplitsWatch {
  /** The last known split of a service. */
  readonly of: (service: string) => SplitView | null;
  /** False until the gateway has answered once. */
  readonly isKnown: boolean;
  readonly refresh: () => void;
  readonly close: () => void;
}

export interface SplitsOptions {
  readonly ask: () => Promise<SplitsPage>;
  readonly onSplits: () => void;
  readonly logger: Logger;
}

/** Watches the splits until it is closed. */
export function watchSplits({ ask, onSplits, logger }: SplitsOptions): SplitsWatch {
  let splits: ReadonlyMap<string, SplitView> = new Map();
  let isKnown = false;
  let isFailing = false;
  let isAsking = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | null = null;
  let nextAtMs = 0;
  const plan = (waitMs: number): void => {
    const atMs = performance.now() + waitMs;
    if (isClosed || isAsking || (timer !== null && nextAtMs <= atMs)) return;
    if (timer !== null) clearTimeout(timer);
    nextAtMs = atMs;
    timer = setTimeout(() => void look(), waitMs);
  };
  const look = async (): Promise<void> => {
    timer = null;
    isAsking = true;
    try {
      const page = await ask();
      splits = new Map(page.services.map((split) => [split.service, split]));
      isKnown = true;
      isFailing = false;
      if (!isClosed) onSplits();
    } catch (error) {
      if (!isFailing) logger.warn("splits.unknown", errorFields(error));
      isFailing = true;
    } finally {
      isAsking = false;
      plan(SPLITS_EVERY_MS);
    }
  };
  plan(0);
  return {
    of: (service) => splits.get(service) ?? null,
    get isKnown() {
      return isKnown;
    },
    refresh: () => plan(SPLITS_APART_MS),
    close: () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
