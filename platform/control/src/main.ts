/** Starts control; see docs/explain/parts.md for its variables and signals. */
import { createLogger, errorFields } from "@tideway/telemetry";
import { readControlConfig } from "./config.ts";
import { startControl } from "./control.ts";

const logger = createLogger({ service: "control" });
process.on("uncaughtException", (error) => {
  logger.error("process.crashed", errorFields(error));
  process.exit(1);
});

const control = await startControl(readControlConfig(process.env), process.env, logger);
logger.info("control.started", { pid: process.pid });

const end = (act: () => Promise<void>) => (): void => {
  act().then(
    () => process.exit(0),
    (error: unknown) => {
      logger.error("control.stop-failed", errorFields(error));
      process.exit(1);
    },
  );
};
process.once("SIGTERM", end(control.stop));
process.once("SIGINT", end(control.stop));
process.once("SIGUSR2", end(control.leave));
