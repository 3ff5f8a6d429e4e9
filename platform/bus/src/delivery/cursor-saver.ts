/**
 * Writes cursors down every 50 ms or after 200 completions, all flows in one statement. What a kill
 * loses of it is delivered once more and removed by the inbox, so nobody waits for the disk here.
 */
import { isCoded } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { cursorOf } from "../machine/delivery.ts";
import type { PartitionState } from "../machine/delivery-types.ts";
import type { Flow } from "./flow-driver.ts";
import { saveCursors } from "./flow-store.ts";
import type { SavedCursor, Writer } from "./flow-store.ts";

export const SAVE_EVERY_MS = 50;
export const SAVE_AFTER_COMPLETIONS = 200;

export interface CursorSaver {
  note(flow: Flow, completed: number): void;
  forget(flow: Flow): void;
  /** Writes what has changed and resolves when it is written. */
  flush(): Promise<void>;
  close(): void;
}

export interface CursorSaverOptions {
  readonly writer: Writer;
  readonly logger: Logger;
  readonly onFenced: () => void;
}

export function cursorSaver(options: CursorSaverOptions): CursorSaver {
  const { writer, logger, onFenced } = options;
  const dirty = new Set<Flow>();
  const saved = new Map<Flow, readonly PartitionState[]>();
  let completions = 0;
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let saving: Promise<void> | null = null;

  const save = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    completions = 0;
    const flows = [...dirty];
    dirty.clear();
    const cursors: SavedCursor[] = [];
    const states = new Map<Flow, readonly PartitionState[]>();
    for (const flow of flows) {
      const { partitions } = flow.state;
      states.set(flow, partitions);
      const before = saved.get(flow);
      for (const [partition, state] of partitions.entries()) {
        if (before?.[partition] === state) continue;
        cursors.push({ ...flow.name, partition, ...cursorOf(flow.state, partition) });
      }
    }
    if (cursors.length === 0) return;
    try {
      await saveCursors(writer, cursors);
      for (const [flow, partitions] of states) saved.set(flow, partitions);
    } catch (error) {
      if (isCoded(error, "BUS_FENCED")) return onFenced();
      logger.warn("cursors.not-saved", errorFields(error));
      for (const flow of flows) dirty.add(flow);
      plan(SAVE_EVERY_MS * 10);
    }
  };
  const run = (): void => {
    saving ??= save().finally(() => {
      saving = null;
      if (dirty.size > 0 && timer === null) plan(SAVE_EVERY_MS);
    });
  };
  const plan = (afterMs: number): void => {
    if (timer === null && !isClosed) timer = setTimeout(run, afterMs);
  };
  return {
    note: (flow, completed) => {
      dirty.add(flow);
      completions += completed;
      if (completions >= SAVE_AFTER_COMPLETIONS) run();
      else plan(SAVE_EVERY_MS);
    },
    forget: (flow) => {
      dirty.delete(flow);
      saved.delete(flow);
    },
    flush: async () => {
      await saving;
      await save();
    },
    close: () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
