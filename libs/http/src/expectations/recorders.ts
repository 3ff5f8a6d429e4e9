/**
 * What this process's services rely on in their neighbours, one recorder a service. A process-wide
 * table, since whoever makes a client or reads an event must meet the same recorder, and a process of
 * a test may run several services.
 *
 * With TIDEWAY_EXPECTATIONS_FILE set (in tests) every call is recorded, and each new expectation is
 * appended to that file at once as a JSON line, so that a process that is killed loses none and
 * several may write. Otherwise one call in a hundred is, and `GET /tideway/expectations` tells.
 */
import { appendFileSync } from "node:fs";
import { RECORDED_SHARE, createRecorder, trackEvent } from "@tideway/client";
import type { ExpectationRecorder } from "@tideway/client";
import type { EventApi } from "@tideway/schema";

const FILE_VARIABLE = "TIDEWAY_EXPECTATIONS_FILE";
const recorders = new Map<string, ExpectationRecorder>();

/** The recorder of a service of this process. */
export function recorderOf(consumer: string): ExpectationRecorder {
  const known = recorders.get(consumer);
  if (known !== undefined) return known;
  const made = makeRecorder(consumer, process.env[FILE_VARIABLE]);
  recorders.set(consumer, made);
  return made;
}

/**
 * The data of an event as its handler should get it: where this event is recorded, each look at a
 * field of it is noted.
 *
 * @example const data = recordedEvent("payments", transferPosted, event.data);
 */
export function recordedEvent<T>(consumer: string, event: EventApi, data: T): T {
  const recorder = recorderOf(consumer);
  if (!recorder.takes()) return data;
  const provider = event.type.split(".", 1)[0] ?? event.type;
  return trackEvent({ provider, type: event.type, schema: event.data, recorder }, data);
}

function makeRecorder(consumer: string, file: string | undefined): ExpectationRecorder {
  if (file === undefined || file === "") return createRecorder({ share: RECORDED_SHARE });
  return createRecorder({
    share: 1,
    onNew: (expectation) => {
      appendFileSync(file, `${JSON.stringify({ consumer, ...expectation })}\n`);
    },
  });
}
