import type { Command } from "../command.ts";
import { check } from "./check.ts";
import { demo } from "./demo.ts";
import { deploy } from "./deploy.ts";
import { doctor } from "./doctor.ts";
import { down } from "./down.ts";
import { events } from "./events.ts";
import { get } from "./get.ts";
import { logs } from "./logs.ts";
import { operator } from "./operator.ts";
import { rollback, rolloutActions } from "./rollout-actions.ts";
import { sagas } from "./sagas.ts";
import { status } from "./status.ts";
import { up } from "./up.ts";

/** In the order in which help lists them. A new command is a file beside this one and a line here. */
export const commands: readonly Command[] = [
  up,
  down,
  status,
  deploy,
  check,
  get,
  ...rolloutActions,
  rollback,
  events,
  sagas,
  logs,
  demo,
  operator,
  doctor,
];
