/**
 * Server-sent events for the console: `changed` at most four times a second, a comment line each
 * 10 s so that a dead connection shows.
 */
import { ADMIN_STREAM_PATH, adminErrors } from "@tideway/api-admin";
import { commonErrors } from "@tideway/kernel";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "@tideway/http";
import type { Conductor } from "../conductor.ts";
import type { Operator } from "../operators.ts";

export interface StreamOptions {
  readonly conductor: Pick<Conductor, "onChange">;
  readonly operatorOf: (request: FastifyRequest) => Promise<Operator | null>;
}

const EVENT_EVERY_MS = 250;
/** Numbers move all the time while traffic flows; readers look again at least this often. */
const PULSE_EVERY_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;
const STREAMS_MAX = 100;
const WAITING_BYTES_MAX = 65_536;

export function addStream(app: FastifyInstance, options: StreamOptions): void {
  let streams = 0;
  app.get(ADMIN_STREAM_PATH, async (request, reply) => {
    if ((await options.operatorOf(request)) === null) {
      throw adminErrors.error("OPERATOR_SIGN_IN_NEEDED");
    }
    if (streams >= STREAMS_MAX) {
      throw commonErrors.error("OVERLOADED", { given: { service: "The stream of changes" } });
    }
    streams++;
    // Whoever signs out, or whose session ends, hears no more.
    const mayStay = async (): Promise<boolean> => (await options.operatorOf(request)) !== null;
    open(reply, { conductor: options.conductor, mayStay, onClose: () => streams-- });
    return reply;
  });
}

interface Stream {
  readonly conductor: Pick<Conductor, "onChange">;
  readonly mayStay: () => Promise<boolean>;
  readonly onClose: () => void;
}

function open(reply: FastifyReply, { conductor, mayStay, onClose }: Stream): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  // A reader that stands still is let go before what waits for it fills the memory; it comes back.
  const send = (text: string): void => {
    if (raw.writableLength > WAITING_BYTES_MAX) raw.destroy();
    else raw.write(text);
  };
  send(":\n\n");
  const changed = new Set<string>();
  let sentAtMs = 0;
  const stopListening = conductor.onChange((services) => {
    for (const service of services) changed.add(service);
    const waitMs = changed.size > 0 ? EVENT_EVERY_MS : PULSE_EVERY_MS;
    if (performance.now() - sentAtMs < waitMs) return;
    sentAtMs = performance.now();
    const data = { services: [...changed], at: new Date().toISOString() };
    changed.clear();
    send(`event: changed\ndata: ${JSON.stringify(data)}\n\n`);
  });
  const keepAlive = setInterval(() => {
    send(":\n\n");
    // While the database is away nobody can say; the next look can.
    mayStay().then(
      (may) => void (may || raw.end()),
      () => undefined,
    );
  }, KEEP_ALIVE_MS);
  raw.once("close", () => {
    clearInterval(keepAlive);
    stopListening();
    onClose();
  });
}
