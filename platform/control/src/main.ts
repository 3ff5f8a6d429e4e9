/** Starts control; see docs/explain/parts.md for its variables and signals. */
import { sleep } from "@tideway/kernel";
import { createLogger, errorFields } from "@tideway/telemetry";
import { readControlConfig } from "./config.ts";
import { startControl, stopInstances } from "./control.ts";
import type { Control } from "./control.ts";

/** How long a start under way may take once control is told to end; PostgreSQL may be away. */
const STARTING_MS_MAX = 5_000;

const logger = createLogger({ service: "control" });
process.on("uncaughtException", (error) => {
  logger.error("process.crashed", errorFields(error));
  process.exit(1);
});

const config = readControlConfig(process.env);
const starting = startControl(config, process.env, logger);

let ending = false;
/** Signals that come again while it ends must not cut the drain short, as they would by default. */
const end = (act: (control: Control | null) => Promise<void>) => async (): Promise<void> => {
  if (ending) return;
  ending = true;
  try {
    const late = sleep(STARTING_MS_MAX).then(() => null);
    await act(await Promise.race([starting.catch(() => null), late]));
    process.exit(0);
  } catch (error) {
    logger.error("control.stop-failed", errorFields(error));
    process.exit(1);
  }
};
/** Instances that a control before this one left are ended also when this one could not start. */
const stop = end((control) => control?.stop() ?? stopInstances(config.home, logger));
const leave = end((control) => control?.leave() ?? Promise.resolve());
process.on("SIGTERM", () => void stop());
process.on("SIGINT", () => void stop());
process.on("SIGUSR2", () => void leave());
logger.info("control.starting", { pid: process.pid });

try {
  await starting;
  logger.info("control.started", { pid: process.pid });
} catch (error) {
  if (!ending) throw error;
}
